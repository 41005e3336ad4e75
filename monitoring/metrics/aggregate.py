"""The aggregator: one process at a time takes the blobs from Redis, stores them, and publishes the snapshot."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
import redis
from django.db import Error as DatabaseError
from django.db import connection, transaction

from monitoring.metrics import gauges, record, snapshot
from monitoring.metrics.blob import KEY, Blob, MalformedBlobError
from monitoring.metrics.flush import connect
from monitoring.metrics.store.lease import Lease
from monitoring.metrics.store.retain import make_partitions, prune
from monitoring.metrics.store.rollup import redo, roll_up
from monitoring.metrics.store.write import write
from monitoring.metrics.ticks import Tick

BATCH: Final = 500  # blobs a transaction
HOUR_S: Final = 3600
WAIT_LIMIT_S: Final = 5.0  # between tries while PostgreSQL or Redis is away

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Aggregator:
    """The times of what is done less often than each second, and how many blobs came after their minute was sealed."""

    client: redis.Redis
    also: Sequence[Tick] = ()  # what other parts do each second, given the second
    late: int = 0
    polled_at: float = 0.0
    kept_at: int = 0

    def tick(self, now: float) -> None:
        """One second's work: gauges, blobs, roll-ups, snapshot, and once an hour retention."""
        second = int(now)
        if second - self.kept_at >= HOUR_S:
            make_partitions(now=second)
            prune(now=second)
            self.kept_at = second
        if now - self.polled_at >= gauges.INTERVAL_S:
            gauges.poll()
            self.polled_at = now
        for part in self.also:
            part(second)
        self.store_all(second)
        roll_up(now=second)
        snapshot.publish(snapshot.take(now=second, late=self.late), self.client)

    def store_all(self, now: int) -> None:
        """Store every waiting blob; `now` is in epoch seconds."""
        while packed := self._waiting():
            with transaction.atomic():
                written = write(_unpacked(packed), now=now)
                redo(written.late_minutes)
            # After the commit: a crash before this only means that they are met again, and known
            self._remove(packed)
            self.late += written.late
            if len(packed) < BATCH:
                return

    def _waiting(self) -> list[bytes]:
        return [each for each in self.client.lrange(KEY, 0, BATCH - 1) if isinstance(each, bytes)]

    def _remove(self, packed: list[bytes]) -> None:
        # By value: a full list is cut by those who push, so what was read may no longer be at its head
        with self.client.pipeline(transaction=False) as pipe:
            for each in packed:
                pipe.lrem(KEY, 1, each)  # type: ignore[arg-type]  # the stubs forget bytes
            pipe.execute()


def run(
    *,
    url: str,
    is_asked_to_stop: Callable[[], bool],
    also: Sequence[Tick] = (),
    clock: Callable[[], float] = time.time,
) -> None:
    """Aggregate, or stand by for the one that does, until asked to stop. Outlives outages of PostgreSQL and Redis."""
    aggregator, lease = Aggregator(connect(url), also), Lease()
    wait_s = 1.0
    while not is_asked_to_stop():
        try:
            if lease.hold():
                aggregator.tick(clock())
            if wait_s > 1.0:
                logger.info("aggregator=resumed")
            wait_s = 1.0
            time.sleep(1.15 - clock() % 1)  # just after the processes have flushed
        except (DatabaseError, psycopg.Error, redis.RedisError) as problem:
            if wait_s == 1.0:
                logger.warning("aggregator=waiting error=%s", type(problem).__name__)
            lease.release()
            connection.close()
            time.sleep(wait_s)
            wait_s = min(wait_s * 2, WAIT_LIMIT_S)
    lease.release()


def _unpacked(packed: list[bytes]) -> list[Blob]:
    blobs = []
    for each in packed:
        try:
            blobs.append(Blob.unpack(each))
        except MalformedBlobError as problem:
            record.drop(1)
            logger.warning("aggregator=malformed error=%s", problem)
    return blobs
