"""The log file of one server: appended to by the server, kept within a bound by whoever started it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from holdfast.embedded.errors import explaining

LARGEST_BYTES = 5 * 1024 * 1024
TAIL_LINES = 8


class Log:
    """A file that a server writes its standard output to, and one older copy beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> int:
        """A handle that appends, for a child's standard output; the caller closes it. Raises FolderError."""
        with explaining(self.path):
            return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def size(self) -> int:
        """Bytes written so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    def since(self, offset: int) -> str:
        """What was written after the first `offset` bytes."""
        with explaining(self.path), self.path.open("rb") as file:
            file.seek(offset)
            return file.read().decode(errors="replace")

    def tail(self, offset: int = 0) -> str:
        """The last lines after `offset`, for an error message."""
        lines = self.since(offset).strip().splitlines()[-TAIL_LINES:]
        return "\n".join(f"  {line}" for line in lines) or "  (its log is empty)"

    def trim(self) -> None:
        """Move an overgrown log's text to `<name>.1` in place of the one before.

        The server goes on writing to the same file, which is why the text is copied and cut rather than renamed;
        the few lines that it writes between the two are lost.
        """
        if self.size() > LARGEST_BYTES:
            with explaining(self.path):
                shutil.copyfile(self.path, self.path.with_name(f"{self.path.name}.1"))
                os.truncate(self.path, 0)
