"""This process's snapshot, the keeper that keeps it, and the word to all others when something was changed here."""

from __future__ import annotations

import logging
import os
import threading
from datetime import datetime
from functools import cache
from multiprocessing.util import Finalize
from typing import Final

import redis
from django.conf import settings
from django.db import transaction

from flags.snapshot.compiled import Snapshot
from flags.snapshot.keep import UNREADABLE, Kept
from flags.snapshot.keeper import Keeper
from flags.snapshot.load import standing
from flags.snapshot.post import Post, Receipt
from monitoring.health import Result

OLD_S: Final = 45.0  # a look at PostgreSQL is due each 30 s at the latest

logger = logging.getLogger(__name__)


class _Mine:
    kept = Kept()
    keeper: Keeper | None = None
    starting = threading.Lock()
    announced = 0


def current() -> Snapshot:
    """What this process knows, without I/O but for its first question; with everything away the last known stays."""
    return _Mine.kept.snapshot or _first()


def forget() -> None:
    """Has the next question read the rows anew: for tests, and for whoever has just changed a flag here."""
    _Mine.kept.forget()
    _Mine.announced = 0


def announce() -> None:
    """After a write: this process reads it at once, and all others are told. Never raises.

    Within a transaction nobody else can see it yet, so only this process reads; call it again on commit.
    """
    kept = _Mine.kept
    if transaction.get_connection().in_atomic_block:
        kept.refresh()
        return
    try:
        version, _ = standing()
    except UNREADABLE as problem:
        logger.warning("event=flags_not_announced error=%s", type(problem).__name__)
        return
    if kept.snapshot is not None and not kept.has(version):
        kept.refresh()
    if version == _Mine.announced:
        return
    try:
        _post(settings.REDIS_URL).announce(version)
        _Mine.announced = version
    except redis.RedisError as problem:
        logger.warning("event=flags_not_announced version=%d error=%s", version, type(problem).__name__)


def receipts(now: datetime) -> list[Receipt]:
    """Which process has which version: of those that live, the slowest first. None while Redis is away."""
    try:
        return _post(settings.REDIS_URL).receipts(now.timestamp())
    except redis.RedisError as problem:
        logger.warning("event=flags_no_receipts error=%s", type(problem).__name__)
        return []


def check() -> Result:
    """For probes: whether what this process evaluates by is what holds."""
    kept = _Mine.kept
    if kept.snapshot is None:
        return Result.good(0, "s")  # nobody has asked for a flag yet
    age_s = kept.age_s()
    if kept.is_provisional:
        return Result.bad("Flags could not be read: what was known last holds, or what the code says.", age_s, "s")
    if age_s > OLD_S:
        return Result.bad("Flags are old: neither Redis nor PostgreSQL says whether they changed.", age_s, "s")
    return Result.good(age_s, "s")


def _first() -> Snapshot:
    known = _Mine.kept.first()
    if _Mine.keeper is None:
        with _Mine.starting:
            if _Mine.keeper is None:
                _Mine.keeper = Keeper(_Mine.kept, settings.REDIS_URL)
                threading.Thread(target=_Mine.keeper.run, name="flags", daemon=True).start()
                Finalize(None, _Mine.keeper.leave, exitpriority=10)
    return known


@cache
def _post(url: str) -> Post:
    return Post(url)


def _after_fork_in_child() -> None:
    """The parent's thread and connections are the parent's."""
    _Mine.kept = _Mine.kept.fork()
    _Mine.keeper = None
    _Mine.starting = threading.Lock()
    _post.cache_clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
