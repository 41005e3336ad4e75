"""Keeps what processes captured: one row for each statement, five-minute rows of where and how it ran.

Run by the aggregator each second. A crash between the commit and the removal counts a batch twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import redis
from django.conf import settings
from django.db import connection, transaction

from monitoring import audit
from monitoring.metrics import count
from monitoring.metrics.flush import connect
from monitoring.models import QueryPolicy, QueryUse, SlowQuery
from monitoring.queries.fingerprint import TEMPLATE_LIMIT
from monitoring.queries.transport import KEY, SLOW_KEY, Met

BATCH: Final = 500
QUERY_LIMIT: Final = 1_000  # statements that are known at once
KEPT: Final = timedelta(days=30)
PRUNE_S: Final = 3600
PRUNED: Final = 5_000  # rows at a time
TELL_S: Final = 10  # how often Redis is told the threshold
LEAST_MS, MOST_MS = 1, 60_000
FORGOTTEN: Final = "database.queries_forgotten"
MALFORMED: Final = "database.samples_malformed"

# Conflicts are found by the primary key; the row is locked until the commit, as rows of one batch are few.
ADD_SQL = """
INSERT INTO monitoring_queryuse AS known
  (query_id, route, start, slow, seconds, longest, rows, repeats, repeated, repeated_s, most)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (query_id, route, start) DO UPDATE SET
  slow = known.slow + EXCLUDED.slow, seconds = known.seconds + EXCLUDED.seconds,
  longest = greatest(known.longest, EXCLUDED.longest), rows = known.rows + EXCLUDED.rows,
  repeats = known.repeats + EXCLUDED.repeats, repeated = known.repeated + EXCLUDED.repeated,
  repeated_s = known.repeated_s + EXCLUDED.repeated_s, most = greatest(known.most, EXCLUDED.most)
"""

logger = logging.getLogger(__name__)

Place = tuple[str, str, int]


@dataclass(slots=True)
class _Use:
    """What is added to a row of uses, in the order of its columns."""

    slow: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    rows: int = 0
    repeats: int = 0
    repeated: int = 0
    repeated_s: float = 0.0
    most: int = 0

    def add(self, met: Met) -> None:
        if met.is_repeat:
            self.repeats += 1
            self.repeated += met.runs
            self.repeated_s += met.seconds
            self.most = max(self.most, met.runs)
        else:
            self.slow += 1
            self.seconds += met.seconds
            self.longest = max(self.longest, met.seconds)
            self.rows += met.rows


class Collector:
    """What the aggregator does for queries each second."""

    def __init__(self, client: redis.Redis | None = None) -> None:
        self.client = client or connect(settings.REDIS_URL)
        self.pruned_at = 0
        self.told_at = 0

    def tick(self, second: int) -> None:
        """Store what waits; now and then drop what is old, and tell the threshold to a Redis that forgot it."""
        while packed := self._waiting():
            store(_unpacked(packed))
            # those that push cut the list at its head: what was read may be gone already
            with self.client.pipeline(transaction=False) as pipe:
                for each in packed:
                    pipe.lrem(KEY, 1, each)  # type: ignore[arg-type]  # the stubs forget bytes
                pipe.execute()
            if len(packed) < BATCH:
                break
        if second - self.told_at >= TELL_S:
            tell(self.client)
            self.told_at = second
        if second - self.pruned_at >= PRUNE_S:
            prune(now=datetime.fromtimestamp(second, UTC))
            self.pruned_at = second

    def _waiting(self) -> list[bytes]:
        return [each for each in self.client.lrange(KEY, 0, BATCH - 1) if isinstance(each, bytes)]


def store(met: Sequence[Met]) -> None:
    """Add samples to the rows, all in one transaction."""
    if not met:
        return
    uses: dict[Place, _Use] = {}
    for each in met:
        place = (each.fingerprint, each.route, each.at - each.at % QueryUse.WIDTH_S)
        uses.setdefault(place, _Use()).add(each)
    with transaction.atomic(), connection.cursor() as cursor:
        _know(met)
        # in one order, so that two aggregators at a takeover don't wait for each other in a circle
        cursor.executemany(ADD_SQL, [(*place, *astuple(use)) for place, use in sorted(uses.items())])
        _forget_beyond(QUERY_LIMIT)


def prune(*, now: datetime) -> int:
    """Drop uses of more than thirty days ago, and statements not seen since; how many rows went."""
    gone = 0
    oldest = int((now - KEPT).timestamp())
    while starts := list(QueryUse.objects.filter(start__lt=oldest).order_by("start").values_list("start")[:PRUNED]):
        gone += QueryUse.objects.filter(start__lte=starts[-1][0]).delete()[0]
    return gone + SlowQuery.objects.filter(last_seen__lt=now - KEPT).delete()[0]


def slow_ms() -> int:
    """From when on a query is slow: what an operator said, else the setting."""
    said = QueryPolicy.objects.values_list("slow_ms", flat=True).first()
    return said if said is not None else settings.HOLDFAST_SLOW_QUERY_MS


def set_slow_ms(value: int, *, actor: str, reason: str, now: datetime) -> None:
    """From now on queries of `value` milliseconds are slow; every process knows within seconds.

    Raises ValueError for a value that finds nothing or everything.
    """
    if not LEAST_MS <= value <= MOST_MS:
        raise ValueError(f"the threshold must be {LEAST_MS} to {MOST_MS:,} ms, got {value:,}")
    with transaction.atomic():
        before = slow_ms()
        QueryPolicy.objects.update_or_create(
            pk=QueryPolicy.ONLY, defaults={"slow_ms": value, "actor": actor, "changed_at": now}
        )
        audit.record(
            actor=actor,
            action="queries.threshold",
            subject="slow queries",
            before={"slow_ms": before},
            after={"slow_ms": value},
            reason=reason,
            at=now,
        )
        transaction.on_commit(lambda: _tell_now())


def tell(client: redis.Redis) -> None:
    """Have Redis say the threshold, as all processes ask it every few seconds."""
    client.set(SLOW_KEY, slow_ms())


def _tell_now() -> None:
    try:
        tell(connect(settings.REDIS_URL))
    except redis.RedisError as problem:
        # the aggregator tells it as soon as Redis is back
        logger.warning("queries=threshold_waiting error=%s", type(problem).__name__)


def _unpacked(packed: Iterable[bytes]) -> list[Met]:
    met = []
    for each in packed:
        try:
            met.append(Met.unpacked(each))
        except ValueError as problem:
            count(MALFORMED)
            logger.warning("queries=malformed error=%s", problem)
    return met


def _know(met: Sequence[Met]) -> None:
    """Have a row for each statement, last seen when it was."""
    rows: dict[str, dict[str, Any]] = {}
    for each in met:
        at = datetime.fromtimestamp(each.at, UTC)
        row = rows.setdefault(each.fingerprint, {"template": each.template[:TEMPLATE_LIMIT], "first": at, "last": at})
        row["first"], row["last"] = min(row["first"], at), max(row["last"], at)
    SlowQuery.objects.bulk_create(
        [
            SlowQuery(fingerprint=mark, template=row["template"], first_seen=row["first"], last_seen=row["last"])
            for mark, row in sorted(rows.items())
        ],
        update_conflicts=True,
        unique_fields=["fingerprint"],
        update_fields=["last_seen"],
    )


def _forget_beyond(limit: int) -> None:
    """Keep the statements seen last."""
    beyond = list(SlowQuery.objects.order_by("-last_seen", "pk").values_list("pk", flat=True)[limit : limit + BATCH])
    if beyond:
        count(FORGOTTEN, SlowQuery.objects.filter(pk__in=beyond).delete()[0])
