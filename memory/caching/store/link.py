"""The caches' link to Redis: pooled connections, pipelines, and a short pause when Redis does not answer.

It talks through redis-py's connections and leaves out its client, whose bookkeeping is a quarter of a look-up.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from monitoring.tracing import parts

TIMEOUT_S: Final = 0.25
PAUSE_S: Final = 1.0  # nothing is looked up for this long after Redis did not answer
HICCUPS: Final = 3  # failures in a row from which writers, too, wait for the end of the pause
IDLE: Final = 32  # connections kept; each thread uses at most one at a time
OWED: Final = 50_000  # keys to delete, remembered while Redis is away

Command = tuple[Any, ...]
log = logging.getLogger(__name__)
_links: weakref.WeakSet[Link] = weakref.WeakSet()


class AwayError(Exception):
    """Redis did not answer, refused, or did not answer a moment ago and was not asked."""


class Link:
    """One per process and Redis. Safe for threads; a forked child begins with connections of its own."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S, clock: Callable[[], float] = time.monotonic) -> None:
        # an address pool only: redis-py reads the URL, and this class keeps the connections
        self._pool = redis.ConnectionPool.from_url(
            url,
            protocol=2,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
        )
        self._clock = clock
        self.reset()
        _links.add(self)

    def reset(self) -> None:
        """Forget connections, failures and debts."""
        self._idle: deque[Any] = deque()
        self._resume_at = 0.0
        self._failures = 0
        self._owed: dict[str, None] = {}
        self._settling = threading.Lock()

    @property
    def is_away(self) -> bool:
        """Whether Redis was away when last asked; it is asked again after the pause."""
        return self._failures > 0

    def ask(self, *command: Any) -> Any:
        """The answer to one command. Raises AwayError."""
        return self.ask_all([command])[0]

    def ask_all(self, commands: Sequence[Command]) -> list[Any]:
        """The answers, in one round trip; one that Redis refused is its exception. Raises AwayError.

        A single refused command raises AwayError too.
        """
        if self._resume_at and self._clock() < self._resume_at:
            raise AwayError("paused")
        if self._owed:
            self._settle()
        answers = self._exchange(commands)
        if len(answers) == 1 and _is_refusal(answers[0]):
            log.warning("event=cache_refused error=%s", type(answers[0]).__name__)
            raise AwayError("refused")
        return answers

    def delete(self, keys: Sequence[str]) -> bool:
        """Delete keys although a pause is on: a hiccup must not leave others an answer that was overtaken.

        While Redis is away for longer they are remembered, and deleted before anything is looked up again.
        """
        if self._failures < HICCUPS or self._clock() >= self._resume_at:
            try:
                if self._owed:
                    self._settle()
                self._exchange([("UNLINK", *keys)])
            except AwayError:
                self._owe(keys)
                return False
            return True
        self._owe(keys)
        return False

    def _owe(self, keys: Sequence[str]) -> None:
        if len(self._owed) >= OWED:
            log.error("event=cache_debts_dropped keys=%d", len(keys))
            return  # the time to live bounds what is left
        self._owed.update(dict.fromkeys(keys))

    def _settle(self) -> None:
        with self._settling:
            while owed := list(self._owed)[:1000]:
                self._exchange([("UNLINK", *owed)])
                for key in owed:
                    self._owed.pop(key, None)

    def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        began = time.perf_counter()
        connection, is_used = self._take()
        try:
            answers = _talk(connection, commands)
        except redis.TimeoutError as problem:
            raise self._away(problem) from problem
        except redis.RedisError as problem:
            if not is_used:
                raise self._away(problem) from problem
            # an idle connection may have been closed from the other side: once more with new ones
            self._idle.clear()
            return self._exchange(commands)
        self._resume_at, self._failures = 0.0, 0
        if len(self._idle) < IDLE:
            self._idle.append(connection)
        else:
            connection.disconnect()
        parts.add(parts.CACHE, time.perf_counter() - began)
        return answers

    def _take(self) -> tuple[Any, bool]:
        try:
            # last in, first out: a busy process keeps few connections warm
            return self._idle.pop(), True
        except IndexError:
            return self._pool.connection_class(**self._pool.connection_kwargs), False

    def _away(self, problem: redis.RedisError) -> AwayError:
        self._failures += 1
        self._resume_at = self._clock() + PAUSE_S
        self._idle.clear()
        log.warning("event=cache_away error=%s failures=%d pause_s=%g", type(problem).__name__, self._failures, PAUSE_S)
        return AwayError(type(problem).__name__)


def _talk(connection: Any, commands: Sequence[Command]) -> list[Any]:
    """Send all, then read all. On any error the connection is closed: half an answer must not be read by the next."""
    try:
        if len(commands) == 1:
            connection.send_packed_command(connection._command_packer.pack(*commands[0]), check_health=False)
        else:
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        return [_read(connection) for _ in commands]
    except BaseException:
        connection.disconnect()
        raise


def _is_refusal(answer: Any) -> bool:
    """An unknown script is none: whoever ran it sends its text."""
    return isinstance(answer, redis.ResponseError) and not isinstance(answer, redis.exceptions.NoScriptError)


def _read(connection: Any) -> Any:
    try:
        return connection.read_response()
    except redis.ResponseError as refused:
        return refused


def _after_fork_in_child() -> None:
    for link in _links:
        link.reset()


os.register_at_fork(after_in_child=_after_fork_in_child)
