"""Folders for tests of the embedded services: some that the servers' account can reach, some that it can't."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.embedded.folder import locate

CHECKOUT = Path(__file__).resolve().parents[2]
# For processes that need embedded or supervisor only: without holdfast/__init__.py, which imports Celery and Django.
ALONE = f"""
import sys, types
sys.modules["holdfast"] = types.ModuleType("holdfast")
sys.modules["holdfast"].__path__ = [{str(CHECKOUT / "holdfast")!r}]
"""
IS_ROOT = os.geteuid() == 0


@contextmanager
def make_folder(*, mode: int = 0o755, below: str = ".holdfast") -> Iterator[Path]:
    """A data folder in a new short folder of `mode`; removed with all that its services made elsewhere.

    Not tmp_path: that one is closed to other accounts, and its path is too long for a socket.
    """
    top = Path(tempfile.mkdtemp(prefix="hf-", dir="/tmp"))
    top.chmod(mode)
    folder = top / below
    layout = locate(folder)
    try:
        yield folder
    finally:
        for place in (top, layout.sockets, *([layout.home] if layout.has_moved else [])):
            shutil.rmtree(place, ignore_errors=True)
        if layout.has_moved and layout.home.parent.is_dir() and not any(layout.home.parent.iterdir()):
            layout.home.parent.rmdir()
