"""The children's lines on one output: whole, prefixed with the child's name, coloured on a terminal."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO, TextIO

LONGEST_LINE_BYTES = 64 * 1024
COLOURS = (36, 33, 35, 32, 34, 31)
OWN_NAME = "up"
WIDTH = 9


class Output:
    """Writes lines from many threads, one at a time. A reader that falls behind slows the children, not memory."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream
        self._lock = threading.Lock()
        self._colours: dict[str, int] = {}
        self._is_coloured = stream.isatty() and not os.environ.get("NO_COLOR")

    def say(self, text: str) -> None:
        """A line of the supervisor's own."""
        self.line(OWN_NAME, text)

    def line(self, name: str, text: str) -> None:
        """A line of the child `name`."""
        self.plain(f"{self._prefix(name)} {text}")

    def plain(self, text: str) -> None:
        """A line as it is."""
        with self._lock:
            if self._stream is None:
                return
            try:
                self._stream.write(f"{text}\n")
                self._stream.flush()
            except OSError:
                # Whoever read us is gone (`up | head`, a closed terminal).
                # The children's lines are still drained, so that none blocks.
                # Closed, or Python would try to write the rest at its end, and fail there.
                with suppress(OSError):
                    self._stream.close()
                self._stream = None

    def follow(self, pipe: IO[bytes], write: Callable[[str], None]) -> threading.Thread:
        """Hand each line of `pipe` to `write`, in a thread that ends with the pipe."""
        thread = threading.Thread(target=_drain, args=(pipe, write), daemon=True)
        thread.start()
        return thread

    def _prefix(self, name: str) -> str:
        label = f"{name:<{WIDTH}}|"
        if not self._is_coloured:
            return label
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        return f"\x1b[{colour}m{label}\x1b[0m"


def _drain(pipe: IO[bytes], write: Callable[[str], None]) -> None:
    with pipe:
        # Bounded: a child that never ends its line must not fill our memory.
        while raw := pipe.readline(LONGEST_LINE_BYTES):
            write(raw.decode(errors="replace").rstrip("\r\n"))
