"""The snapshot that this process evaluates by."""

from __future__ import annotations

import time
from typing import Final

from django.db import DatabaseError

from flags.snapshot.compiled import Snapshot
from flags.snapshot.load import load

KEEP_S: Final = 1.0


class _Kept:
    snapshot: Snapshot | None = None
    until = 0.0


def current() -> Snapshot:
    """What this process knows; read when it knows nothing yet. With everything away the last known stays."""
    now = time.monotonic()
    if _Kept.snapshot is None or now >= _Kept.until:
        try:
            _Kept.snapshot = load()
        except DatabaseError:
            if _Kept.snapshot is None:
                raise
        _Kept.until = now + KEEP_S
    return _Kept.snapshot


def forget() -> None:
    """Have the next question read the rows anew: for tests, and for whoever has just changed a flag here."""
    _Kept.snapshot, _Kept.until = None, 0.0
