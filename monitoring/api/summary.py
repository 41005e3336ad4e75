"""The API's summary of all metrics: what a script asks instead of the console."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from ninja.errors import HttpError

from monitoring import export

router = Router(tags=["monitoring"])


class TimedOut(Schema):
    """Per second over the last minute (`per_s_10s`: over ten seconds); percentiles are of the last minute."""

    name: str
    per_s: float
    per_s_10s: float
    errors_per_s: float
    error_share: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class CacheOut(Schema):
    name: str
    hits_per_s: float
    misses_per_s: float
    hit_rate: float | None


class QueueOut(Schema):
    priority: str
    depth: float | None
    running: float | None
    oldest_s: float | None
    in_per_s: float
    out_per_s: float
    wait_p95_ms: float | None


class BreakerStateOut(Schema):
    name: str
    state: str
    failure_rate: float
    retry_after_s: float


class ProcessesOut(Schema):
    """`is_partial` says that some process that should report does not."""

    reporting: int
    expected: int
    is_partial: bool


class SummaryOut(Schema):
    at: datetime
    age_s: float
    processes: ProcessesOut
    requests: TimedOut
    operations: list[TimedOut]
    jobs: list[TimedOut]
    providers: list[TimedOut]
    caches: list[CacheOut]
    queues: list[QueueOut]
    dead_jobs: float | None
    oldest_job_s: float | None
    breakers: list[BreakerStateOut]


@router.get("", response=SummaryOut, url_name="metrics_summary")
def metrics_summary(request: HttpRequest) -> dict[str, Any]:
    """Rates, errors and percentiles of all operations, caches, queues, providers and breakers now."""
    found = export.summary(now=timezone.now())
    if found is None:
        raise HttpError(503, "No figures yet: the aggregator does not run. Start it with `manage.py aggregate`.")
    return asdict(found)
