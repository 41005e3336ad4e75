"""Identical calls that are in flight at the same time are one call, whose outcome all share."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from memory.providers.base import ProviderError, ProviderTimeoutError
from memory.providers.guard.deadline import Deadline

T = TypeVar("T")


class Flights:
    """Calls of one provider that have not been answered, by key; of this process only."""

    def __init__(self, on_joined: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Hashable, Future[Any]] = {}
        self._on_joined = on_joined
        self.waiting = 0  # calls that wait for another's answer

    def join(self, key: Hashable, ask: Callable[[], T], deadline: Deadline) -> T:
        """What `ask` answers, or what an identical call that is in flight already does.

        Shared answers are the same object: treat them as read-only. Raises what `ask` raises, and ProviderTimeoutError
        when the other call isn't answered before this one's deadline.
        """
        while True:
            mine: Future[Any] = Future()
            try:
                with self._lock:
                    flight = self._flights.setdefault(key, mine)
                    self.waiting += flight is not mine
                if flight is mine:
                    return self._lead(key, mine, ask)
            except BaseException:
                # a time limit or a shutdown of this thread, wherever it hits, says nothing about the provider
                self._land(key, mine)
                mine.cancel()
                raise
            try:
                answer: T = share(flight, deadline)
            except CancelledError:
                continue  # the leader was interrupted: somebody else leads
            finally:
                with self._lock:
                    self.waiting -= 1
            self._on_joined()
            return answer

    def _lead(self, key: Hashable, flight: Future[Any], ask: Callable[[], T]) -> T:
        try:
            answer = ask()
        except ProviderError as problem:
            self._land(key, flight)
            flight.set_exception(problem)
            raise
        self._land(key, flight)
        flight.set_result(answer)
        return answer

    def _land(self, key: Hashable, flight: Future[Any]) -> None:
        """Calls from now on are not joined to this one."""
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]


def share(flight: Future[T], deadline: Deadline) -> T:
    """Wait for somebody else's call. Raises its ProviderError, ProviderTimeoutError, or CancelledError if it was."""
    try:
        return flight.result(timeout=deadline.left_s())
    except ProviderError as problem:
        # a copy: one exception raised in several threads would mix their tracebacks
        raise copy.copy(problem) from problem
    except TimeoutError:
        raise ProviderTimeoutError("the call that this one joined was not answered in time") from None
