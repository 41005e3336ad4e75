"""Whether this process is about to stop: told by a signal, so that probes say so while requests are still served."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Final

DRAIN: Final = signal.SIGUSR1  # sent to web workers by holdfast.supervisor.web, some time before SIGTERM


class _Wish:
    """A plain flag: a signal handler runs in the midst of whatever the main thread does, and may take no lock."""

    came = False


def begin() -> None:
    """From now on this process is not ready."""
    _Wish.came = True


def is_draining() -> bool:
    return _Wish.came


def end() -> None:
    """Ready again: a stop that was called off."""
    _Wish.came = False


def listen() -> None:
    """Take the signal as the order to drain. Only a main thread can; elsewhere nothing happens."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(DRAIN, _note)


def _note(number: int, frame: FrameType | None) -> None:
    begin()
