"""Keeps an assessment a minute, thins them out with time, and reads them as a trend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connection

from monitoring.health.drills import results
from monitoring.health.drills.run import sweep
from monitoring.health.readiness.assess import Assessment, assess
from monitoring.metrics import record
from monitoring.metrics.read import Span
from monitoring.models import ReadinessResult

GAUGE: Final = "readiness.score"
EVERY_S: Final = 60
STANDS_S: Final = 90  # an assessment, for the trend
SAMPLE_S: Final = 5  # as other gauges
PRUNE_S: Final = 3600
WHOLE: Final = timedelta(days=30)  # kept as they were made
HOURLY: Final = timedelta(days=396)  # 13 months: the first one of each hour

# Both walk the primary key, which is the time, from its oldest end.
THIN_SQL = """
DELETE FROM monitoring_readinessresult AS late
WHERE at < %(whole)s AND EXISTS (
  SELECT FROM monitoring_readinessresult AS first
  WHERE first.at >= date_trunc('hour', late.at) AND first.at < late.at
)
"""
# The mean of each step, by one scan of the primary key's range.
TREND_SQL = """
SELECT floor(extract(epoch FROM at - %(start)s) / %(step)s)::int AS step, avg(score), avg(confidence)
FROM monitoring_readinessresult WHERE at >= %(start)s AND at < %(end)s GROUP BY 1
"""


@dataclass(slots=True)
class Keeper:
    """Called each second by the aggregator: assesses once a minute, and has the score be a gauge."""

    assess: Callable[..., Assessment] = assess
    assessed_at: int = 0
    pruned_at: int = 0
    sampled_at: int = 0
    value: float | None = None

    def tick(self, second: int) -> None:
        """One second's part; `second` is of the epoch."""
        if second - self.assessed_at >= EVERY_S:
            self.assessed_at = second
            self.value = keep(self.assess(now=datetime.fromtimestamp(second, UTC))).score
        if self.value is not None and second - self.sampled_at >= SAMPLE_S:
            self.sampled_at = second
            record.sample(GAUGE, self.value)
        if second - self.pruned_at >= PRUNE_S:
            self.pruned_at = second
            prune(now=datetime.fromtimestamp(second, UTC))


def keep(assessment: Assessment) -> ReadinessResult:
    """Write it down, in place of one of the same moment."""
    found = assessment.score
    rules = {each.rule.name: [each.state.value, each.measured.value] for each in assessment.judged}
    row, _ = ReadinessResult.objects.update_or_create(
        at=assessment.at,
        defaults={
            "score": found.value,
            "confidence": found.confidence,
            "level": found.level.value if found.level else "",
            "rules": rules,
        },
    )
    return row


def prune(*, now: datetime) -> None:
    """Keep one assessment an hour of what is older than 30 days, none of 13 months; and what drills left behind."""
    ReadinessResult.objects.filter(at__lt=now - HOURLY).delete()
    with connection.cursor() as cursor:
        cursor.execute(THIN_SQL, {"whole": now - WHOLE})
    results.prune(now=now)
    sweep(now=now)


def trend(span: Span) -> tuple[list[float | None], list[float | None]]:
    """Per step of the span the mean score and confidence; None where there was no assessment.

    One stands until the next: steps may be shorter than the minute between two.
    """
    scores: list[float | None] = [None] * span.points
    confidences: list[float | None] = [None] * span.points
    with connection.cursor() as cursor:
        cursor.execute(TREND_SQL, {"start": span.start, "end": span.end, "step": span.step_s})
        for step, value, confidence in cursor.fetchall():
            if 0 <= step < span.points:
                scores[step], confidences[step] = value, confidence
    most = int(STANDS_S // span.step_s)
    return _carried(scores, most), _carried(confidences, most)


def _carried(values: list[float | None], most: int) -> list[float | None]:
    """With gaps of at most so many steps filled by the value before them."""
    carried, gap = list(values), 0
    for place, value in enumerate(values):
        gap = 0 if value is not None else gap + 1
        if place and 0 < gap <= most:
            carried[place] = carried[place - 1]
    return carried
