"""Providers: what calls of the outside world came to, cost and saved."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema

from memory.api.auth import caller
from memory.providers import configured, report
from memory.providers.usage import usage
from monitoring.metrics import read

router = Router(tags=["providers"])

Range = Literal["15m", "1h", "6h", "24h", "7d"]
Format = Literal["json", "human", "prometheus"]
TEXT = {"human": report.as_text, "prometheus": report.as_prometheus}


class UsageOut(Schema):
    """One provider in the span. Rates are shares of 1, null where nothing was asked; latencies are in seconds."""

    name: str
    seconds: float
    requests: int
    ok: int
    failed: int
    retried: int
    limited: int
    rejected: int
    coalesced: int
    batches: int
    items: int
    tokens_in: int
    tokens_out: int
    bytes_raw: int
    bytes_sent: int
    bytes_saved: int
    cost_dollars: float
    unpriced: int
    breaker_opened: int
    breaker_closed: int
    p50_s: float | None
    p95_s: float | None
    success_rate: float | None
    failure_rate: float | None
    retry_rate: float | None
    compression_ratio: float | None
    mean_batch: float | None


class Usages(Schema):
    items: list[UsageOut]
    next: None = None


@router.get("", response=Usages, url_name="providers")
def list_providers(
    request: HttpRequest,
    range: Annotated[Range, Query("1h")] = "1h",
    format: Annotated[Format, Query("json")] = "json",
) -> HttpResponse | dict[str, Any]:
    """What each provider was asked in the last `range`, what came of it, and what it cost by list price.

    Of all workspaces together. `format=prometheus` is for scrapers, `format=human` for reading.
    """
    caller(request)
    found = usage(read.span(range, now=timezone.now()), names=sorted(configured.names()))
    if format == "json":
        return {"items": [report.as_dict(figures) for figures in found]}
    return HttpResponse(TEXT[format](found), content_type="text/plain; version=0.0.4; charset=utf-8")
