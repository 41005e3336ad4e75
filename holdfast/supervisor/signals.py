"""The wish to stop: noted by a signal handler, asked for by whoever loops."""

from __future__ import annotations

import signal
from types import FrameType


class StopWish:
    """Turns Ctrl-C, SIGTERM and a closed terminal into a flag.

    A plain flag and short sleeps rather than an Event: its lock is not re-entrant, and a handler runs in the midst of
    whatever the main thread does.
    """

    def __init__(self) -> None:
        self._came = False

    def is_asked(self) -> bool:
        """Whether a signal came."""
        return self._came

    def listen(self) -> None:
        """Install the handlers; main thread only."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came = True
