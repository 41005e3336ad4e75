"""File locks that end with their process: how starters take turns, and how a server's owner is known to be alive."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from holdfast.embedded.errors import explaining

POLL_S = 0.05


class Lock:
    """An exclusive lock on a file. The kernel drops it when the holder ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._handle is not None

    def try_take(self) -> bool:
        """Take the lock, or answer False at once when another holder is alive. Raises FolderError."""
        if self.is_held:
            return True
        with explaining(self.path):
            # Never follow a link: root opens this file.
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def take(self, timeout_s: float) -> bool:
        """Wait up to `timeout_s` for the lock; False when it was not to be had."""
        deadline = time.monotonic() + timeout_s
        while not self.try_take():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def release(self) -> None:
        """Give the lock back; nothing to do when it is not held. The file stays: removing it would split the lock."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def write_note(self, text: str) -> None:
        """Leave a note for whoever finds the lock taken."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, text.encode(), 0)

    def read_note(self) -> str:
        """What the holder wrote, or nothing."""
        try:
            return self.path.read_text().strip()
        except OSError:
            return ""
