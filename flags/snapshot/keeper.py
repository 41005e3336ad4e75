"""The keeper: one daemon thread a process that hears of changes and reads them, so that no question has to.

It starts with the first question of the process and never before a fork. Redis pushes; each second its key is asked as
well, in case a push was lost; PostgreSQL itself is asked now and then, and every two seconds while Redis is away.
"""

from __future__ import annotations

import logging
import os
import random
import secrets
import socket
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import redis
from django.db import DEFAULT_DB_ALIAS, connections

from flags.snapshot.keep import UNREADABLE, Applied, Kept
from flags.snapshot.load import standing
from flags.snapshot.post import News, Post, Receipt
from monitoring import metrics

AGE: Final = "flags.snapshot_age_s"
POLL_S: Final = 1.0
ASK_AWAY_S: Final = 2.0  # between two looks at PostgreSQL while Redis is away
ASK_S: Final = (15.0, 30.0)  # otherwise: spread, so that processes don't ask together
TELL_S: Final = 5.0
CLEAN_S: Final = 60.0
TRIES: Final = 5  # to find in PostgreSQL what was announced, a second apart
CONNECT_S: Final = 2
STATEMENT_MS: Final = 3000
CHANCE: Final = random.SystemRandom()  # forked processes would draw alike from the module's own

logger = logging.getLogger(__name__)


class Keeper:
    """Keeps one process's snapshot in step. `round` is one turn: all that it waits for is bounded."""

    def __init__(self, kept: Kept, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.process = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.kind = kind_of(sys.argv)
        self.is_away = False  # Redis
        self._kept = kept
        self._post = Post(url)
        self._clock = clock
        self._heard = ""
        self._tries = 0
        self._ask_at = 0.0
        self._tell_at = 0.0
        self._clean_at = clock() + CLEAN_S
        self._told: Applied | None = None

    def run(self) -> None:
        """For as long as the process lives."""
        while True:
            began = self._clock()
            try:
                self.round(POLL_S)
            except Exception:  # the thread must outlive whatever a round meets
                logger.exception("event=flags_round_failed")
            if self.is_away:
                time.sleep(max(0.0, POLL_S - (self._clock() - began)))

    def round(self, wait_s: float) -> None:
        """Waits for a push, asks whoever is due, reads if there is news, and tells that it did."""
        try:
            self._hear(wait_s)
        except redis.RedisError as problem:
            self._lose(problem)
        now = self._clock()
        if self._kept.is_provisional or now >= self._ask_at:
            self._ask(now)
        self._tell(now)

    def leave(self) -> None:
        """The process ends on purpose."""
        try:
            self._post.leave(self.process)
        except redis.RedisError:
            logger.info("event=flags_receipt_left process=%s", self.process)

    def _hear(self, wait_s: float) -> None:
        if self.is_away:
            # asked first: a push can't come over a connection that is gone
            self._post.latest()
            self._find()
        pushed = self._post.wait(wait_s)
        if pushed is not None:
            self._learn(pushed)
        latest = self._post.latest()
        if latest is not None:
            self._learn(latest)

    def _learn(self, news: News) -> None:
        """Reads what was announced. What PostgreSQL doesn't have after some tries was undone, or is another's."""
        if self._kept.has(news.version):
            self._heard, self._tries = news.text, 0
            self._kept.confirm()
        elif news.text != self._heard:
            self._read(partial(self._post.since_ms, news))
            self._tries += 1
            if self._kept.has(news.version) or self._tries >= TRIES:
                self._heard, self._tries = news.text, 0

    def _ask(self, now: float) -> None:
        """PostgreSQL itself. A version before ours is a database that was restored: then it counts."""
        self._ask_at = now + (ASK_AWAY_S if self.is_away else CHANCE.uniform(*ASK_S))
        try:
            version, _ = self._alone(standing)
        except UNREADABLE:
            return
        known = self._kept.snapshot
        if known is not None and version < known.version and not self._kept.is_provisional:
            logger.warning("event=flags_restored version=%d known=%d", version, known.version)
            self._kept.forget()
            self._read()
        elif self._kept.has(version):
            self._kept.confirm()
        else:
            self._read()

    def _read(self, took_ms: Callable[[], float] | None = None) -> None:
        self._alone(partial(self._kept.refresh, took_ms))

    def _alone(self, do: Callable[[], Any]) -> Any:
        """By a connection of its own, for this once: those of a pool are for requests."""
        connection = connections.create_connection(DEFAULT_DB_ALIAS)
        settings = connection.settings_dict
        options = {name: value for name, value in settings["OPTIONS"].items() if name != "pool"}
        options |= {"connect_timeout": CONNECT_S, "options": f"-c statement_timeout={STATEMENT_MS}"}
        connection.settings_dict = settings | {"OPTIONS": options, "CONN_MAX_AGE": 0}
        of_thread = connections[DEFAULT_DB_ALIAS]
        connections[DEFAULT_DB_ALIAS] = connection
        try:
            return do()
        finally:
            connections[DEFAULT_DB_ALIAS] = of_thread
            connection.close()

    def _tell(self, now: float) -> None:
        applied = self._kept.applied
        if applied is None or (applied is self._told and now < self._tell_at):
            return
        metrics.gauge(AGE, self._kept.age_s())
        self._tell_at = now + TELL_S
        if self.is_away:
            return
        at = datetime.fromtimestamp(applied.at, UTC)
        receipt = Receipt(self.process, self.kind, applied.version, at, applied.took_ms)
        try:
            self._post.tell(receipt, now=time.time())
            self._told = applied
            if now >= self._clean_at:
                self._clean_at = now + CLEAN_S
                self._post.receipts(time.time())
        except redis.RedisError as problem:
            self._lose(problem)

    def _lose(self, problem: redis.RedisError) -> None:
        """Redis is away: PostgreSQL is asked instead, from now on, since a push may be lost already."""
        self._post.close()
        if not self.is_away:
            logger.warning("event=flags_push_away process=%s error=%s", self.process, type(problem).__name__)
            self.is_away, self._ask_at, self._told = True, 0.0, None

    def _find(self) -> None:
        """Redis is back, and may have lost what was announced meanwhile."""
        logger.info("event=flags_push_back process=%s", self.process)
        self.is_away, self._ask_at = False, 0.0


def kind_of(argv: Sequence[str]) -> str:
    """What this process is for, by its command line: web, worker, beat, or the command of `manage.py`."""
    program, rest = (argv[0], argv[1:]) if argv else ("", ())
    if "celery" in program:
        return next((word for word in rest if word in {"worker", "beat"}), "celery")
    if any(word in program for word in ("granian", "gunicorn", "uwsgi", "supervisor/web")) or "runserver" in rest:
        return "web"
    return rest[0] if program.endswith("manage.py") and rest else "python"
