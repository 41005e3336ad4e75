"""Stores what processes measured: each blob once, in one transaction, in as many statements for one unit as for all.

Run by the aggregator each second.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
import redis
from django.conf import settings
from django.db import DataError, connection, transaction
from django.db.models import Exists, F, OuterRef

from flags.cohorts import sample
from flags.cohorts.blob import KEY, Blob, MalformedError, Tally, is_sampled
from flags.cohorts.courier import DROPPED
from flags.models import CohortMinute, CohortShare, CohortSource, CohortUnit
from monitoring.metrics import count
from monitoring.metrics.flush import connect

BATCH: Final = 25  # blobs a transaction: 50,000 units at most
ROUNDS: Final = 20  # transactions a second, so that metrics aren't kept waiting for ever
PAST_S, AHEAD_S = 12 * 3600, 60  # a blob from outside comes from a wrong clock
KEPT: Final = timedelta(days=30)
KNOWN: Final = timedelta(days=1)  # how long a process that sends nothing is remembered
PRUNE_S: Final = 3600
PRUNED: Final = 5_000  # rows at a time
LOCK: Final = 7_370_215  # of whoever stores: two at a takeover come one after the other

# Few rows, by primary key; the lock keeps the flags until the commit, so that no foreign key is missed.
FLAGS_SQL = """
SELECT flag.id, flag.salt, coalesce(sample.halvings, 0)
FROM flags_flag flag LEFT JOIN flags_cohortsample sample ON sample.flag_id = flag.id
WHERE flag.id = ANY (%s) FOR KEY SHARE OF flag
"""
# One statement for all units; each is found by the unique index of its flag, version and unit.
UNITS_SQL = """
INSERT INTO flags_cohortunit AS known (
  flag_id, version, unit, workspace, is_exposed, is_mixed, requests, log_latency, log_latency_sq, slow, errors,
  first_at, last_at)
SELECT flag, version, unit, workspace, is_exposed, is_mixed, requests, log_latency, log_latency_sq, slow, errors,
  to_timestamp(first), to_timestamp(last)
FROM unnest(%s::int[], %s::int[], %s::text[], %s::text[], %s::bool[], %s::bool[], %s::bigint[], %s::float8[],
  %s::float8[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
  AS fresh (flag, version, unit, workspace, is_exposed, is_mixed, requests, log_latency, log_latency_sq, slow, errors,
  first, last)
ON CONFLICT (flag_id, version, unit) DO UPDATE SET
  workspace = coalesce(nullif(EXCLUDED.workspace, ''), known.workspace),
  is_mixed = known.is_mixed OR EXCLUDED.is_mixed OR known.is_exposed <> EXCLUDED.is_exposed,
  requests = known.requests + EXCLUDED.requests,
  log_latency = known.log_latency + EXCLUDED.log_latency,
  log_latency_sq = known.log_latency_sq + EXCLUDED.log_latency_sq,
  slow = known.slow + EXCLUDED.slow,
  errors = known.errors + EXCLUDED.errors,
  first_at = least(known.first_at, EXCLUDED.first_at),
  last_at = greatest(known.last_at, EXCLUDED.last_at)
"""
# Two rows for each flag and minute.
MINUTES_SQL = f"""
INSERT INTO flags_cohortminute AS known (
  flag_id, minute, is_exposed, requests, log_latency, slow, errors, failing)
SELECT flag, to_timestamp(minute), is_exposed, requests, log_latency, slow, errors,
  ARRAY(SELECT jsonb_array_elements_text(failing::jsonb))
FROM unnest(%s::int[], %s::bigint[], %s::bool[], %s::bigint[], %s::float8[], %s::bigint[], %s::bigint[], %s::text[])
  AS fresh (flag, minute, is_exposed, requests, log_latency, slow, errors, failing)
ON CONFLICT (flag_id, minute, is_exposed) DO UPDATE SET
  requests = known.requests + EXCLUDED.requests,
  log_latency = known.log_latency + EXCLUDED.log_latency,
  slow = known.slow + EXCLUDED.slow,
  errors = known.errors + EXCLUDED.errors,
  failing = ARRAY(SELECT DISTINCT unnest(known.failing || EXCLUDED.failing) LIMIT {CohortMinute.FAILING})
"""

logger = logging.getLogger(__name__)


class Collector:
    """What the aggregator does for cohorts each second."""

    def __init__(self, client: redis.Redis | None = None) -> None:
        self.client = client or connect(settings.REDIS_URL)
        self.sampler = sample.Sampler()
        self.pruned_at = 0

    def tick(self, second: int) -> None:
        """Store what waits; now and then halve samples that grew too large, and drop what is old."""
        now = datetime.fromtimestamp(second, UTC)
        for _ in range(ROUNDS):
            packed = self._waiting()
            if packed:
                self.sampler.grown |= _stored(_unpacked(packed), now)
                # by value: those that push cut the list at its head, and what was read may be gone already
                with self.client.pipeline(transaction=False) as pipe:
                    for each in packed:
                        pipe.lrem(KEY, 1, each)  # type: ignore[arg-type]  # the stubs forget bytes
                    pipe.execute()
            if len(packed) < BATCH:
                break
        self.sampler.tick(second)
        if second - self.pruned_at >= PRUNE_S:
            prune(now=now)
            self.pruned_at = second

    def _waiting(self) -> list[bytes]:
        return [each for each in self.client.lrange(KEY, 0, BATCH - 1) if isinstance(each, bytes)]


def store(blobs: Sequence[Blob], *, now: datetime) -> set[tuple[int, int]]:
    """Add blobs that are new to the rows; the flags and versions that were met. Flags that are gone are left out."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        tally = Tally()
        fresh, misdated = _unseen(blobs, now)
        for blob in fresh:
            tally.add(blob.tally)
        cursor.execute(FLAGS_SQL, [sorted({flag for flag, _ in tally.shares})])
        _keep_known(tally, {flag: (salt, halvings) for flag, salt, halvings in cursor.fetchall()})
        if tally.units:
            rows = [(*key, *one.row()) for key, one in sorted(tally.units.items())]
            cursor.execute(UNITS_SQL, _columns(rows))
        if tally.arms:
            arms = [(*key, *arm.row()) for key, arm in sorted(tally.arms.items())]
            cursor.execute(MINUTES_SQL, _columns([(*row[:-1], orjson.dumps(row[-1]).decode()) for row in arms]))
        shares = [
            CohortShare(flag_id=flag, version=version, percent=percent, draw=draw)
            for (flag, version), (percent, draw) in tally.shares.items()
        ]
        CohortShare.objects.bulk_create(shares, ignore_conflicts=True)
    if misdated:
        count(DROPPED, misdated)
    return set(tally.shares)


def _stored(blobs: Sequence[Blob], now: datetime) -> set[tuple[int, int]]:
    """Of blobs that PostgreSQL refuses, those that it takes: one must not stop all that come after it."""
    try:
        return store(blobs, now=now)
    except DataError as problem:
        if len(blobs) > 1:
            return {version for blob in blobs for version in _stored([blob], now)}
        count(DROPPED)
        logger.warning("cohorts=refused error=%s", problem)
        return set()


def prune(*, now: datetime) -> int:
    """Drop sums older than thirty days, with what belongs to them, and silent sources; how many sums went."""
    gone = 0
    for rows in (CohortUnit.objects.filter(last_at__lt=now - KEPT), CohortMinute.objects.filter(minute__lt=now - KEPT)):
        while some := list(rows.values_list("pk", flat=True)[:PRUNED]):
            gone += rows.model._default_manager.filter(pk__in=some).delete()[0]
    CohortSource.objects.filter(seen__lt=now - KNOWN).delete()
    units = CohortUnit.objects.filter(flag=OuterRef("flag"), version=OuterRef("version"))
    CohortShare.objects.filter(~Exists(units), version__lt=F("flag__version")).delete()
    sample.forget_empty()
    return gone


def _unseen(blobs: Sequence[Blob], now: datetime) -> tuple[list[Blob], int]:
    """Those that are new, with the marks of their processes moved past them; and how many units have a wrong time."""
    known = CohortSource.objects.in_bulk({blob.process for blob in blobs})
    fresh, misdated = [], 0
    for blob in blobs:
        mark = known.setdefault(blob.process, CohortSource(process=blob.process, sequence=0))
        if blob.sequence > mark.sequence:
            mark.sequence, mark.seen = blob.sequence, now
            if -PAST_S <= blob.second - now.timestamp() <= AHEAD_S:
                fresh.append(blob)
            else:
                misdated += len(blob.tally.units)
    moved = [mark for mark in known.values() if mark.seen == now]
    CohortSource.objects.bulk_create(
        moved, update_conflicts=True, unique_fields=["process"], update_fields=["sequence", "seen"]
    )
    return fresh, misdated


def _keep_known(tally: Tally, flags: Mapping[int, tuple[str, int]]) -> None:
    """Leave out flags that are gone, and units outside a sample that their process did not yet know of."""

    def belongs(flag: int, unit: str) -> bool:
        if flag not in flags:
            return False
        salt, halvings = flags[flag]
        return not halvings or is_sampled(salt, unit, sample.threshold(halvings))

    tally.units = {key: one for key, one in tally.units.items() if belongs(key[0], key[2])}
    tally.arms = {key: arm for key, arm in tally.arms.items() if key[0] in flags}
    tally.shares = {key: share for key, share in tally.shares.items() if key[0] in flags}


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _unpacked(packed: Iterable[bytes]) -> list[Blob]:
    blobs = []
    for each in packed:
        try:
            blobs.append(Blob.unpack(each))
        except MalformedError as problem:
            count(DROPPED)
            logger.warning("cohorts=malformed error=%s", problem)
    return blobs
