"""What the providers did in a span of time: calls, tokens, bytes, money, as figures that all processes recorded."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import redis
from django.conf import settings

from memory.providers.guard.limit import store
from memory.providers.guard.measure import PREFIX, Measure
from monitoring.metrics import read
from monitoring.metrics.store.rollup import SEAL_AFTER_S

log = logging.getLogger(__name__)

LOGGED: Final = "provider:log:"


@dataclass(frozen=True, slots=True)
class Usage:
    """One provider's figures in a span of `seconds`.

    requests = ok + failed, as their callers saw them; `retried` are further attempts of them; `limited` how often the
    provider answered 429; `rejected` calls were never sent (breaker open, or no turn in time); `coalesced` ones shared
    another's answer. Items, tokens, bytes and cost are those of answers; `unpriced` counts tokens of models without a
    price, which the cost leaves out. Latencies (None without calls) are whole calls with their retries, in seconds; a
    stream's is the wait for its first piece.
    """

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
    cost_dollars: float
    unpriced: int
    breaker_opened: int
    breaker_closed: int
    p50_s: float | None
    p95_s: float | None

    @property
    def success_rate(self) -> float | None:
        """The share of requests that were answered, 0 to 1; None without requests."""
        return _share(self.ok, self.requests)

    @property
    def failure_rate(self) -> float | None:
        return _share(self.failed, self.requests)

    @property
    def retry_rate(self) -> float | None:
        """Further attempts per request: may exceed 1."""
        return _share(self.retried, self.requests)

    @property
    def compression_ratio(self) -> float | None:
        """How many times smaller the bodies were on the wire; 1 where nothing was compressed."""
        return _share(self.bytes_raw, self.bytes_sent)

    @property
    def bytes_saved(self) -> int:
        return self.bytes_raw - self.bytes_sent

    @property
    def mean_batch(self) -> float | None:
        """Items per answered request."""
        return _share(self.items, self.ok)


def usage(span: read.Span, *, names: Sequence[str] = ()) -> list[Usage]:
    """The figures of all providers that ever recorded some, and of `names`, in order of name."""
    known = sorted({*names, *_recorded()})
    counters = [f"{PREFIX}{name}.{counter}" for name in known for counter in Measure.COUNTERS]
    counters += [f"breaker.{PREFIX}{name}.{change}" for name in known for change in ("opened", "closed")]
    totals = {series: sum(steps) for series, steps in read.counts(counters, span).items()}
    return [_usage(name, totals, span) for name in known]


def log_line(*, now: datetime) -> None:
    """Write each provider's figures of the last HOLDFAST_PROVIDER_LOG_S seconds to the log, once over all processes.

    To be called each second: spans follow each other without gap or overlap, and each is written by whoever sees first
    that it is complete. Providers that did nothing in it have no line.
    """
    every = settings.HOLDFAST_PROVIDER_LOG_S
    if not every or not settings.HOLDFAST_METRICS:
        return
    end = (int(now.timestamp()) - SEAL_AFTER_S) // every * every
    if _is_first(end, every):
        span = read.Span(datetime.fromtimestamp(end - every, UTC), datetime.fromtimestamp(end, UTC), every)
        for figures in usage(span):
            if figures.requests or figures.rejected or figures.coalesced:
                log.info("%s", line(figures))


def line(figures: Usage) -> str:
    """One provider as a log line."""
    fields = {
        "event": "provider_usage",
        "provider": figures.name,
        "seconds": f"{figures.seconds:.0f}",
        **{counter: getattr(figures, counter) for counter in Measure.COUNTERS if counter != "microdollars"},
        "dollars": f"{figures.cost_dollars:.6f}",
        "opened": figures.breaker_opened,
        "closed": figures.breaker_closed,
        "p50_ms": _ms(figures.p50_s),
        "p95_ms": _ms(figures.p95_s),
    }
    return " ".join(f"{name}={value}" for name, value in fields.items())


def _recorded() -> set[str]:
    series = [name.removeprefix(PREFIX).rpartition(".") for name in read.names(PREFIX)]
    return {name for name, _, counter in series if name and counter in Measure.COUNTERS}


def _usage(name: str, totals: dict[str, float], span: read.Span) -> Usage:
    own = {counter: round(totals[f"{PREFIX}{name}.{counter}"]) for counter in Measure.COUNTERS}
    own.pop("microdollars")
    return Usage(
        name=name,
        seconds=(span.end - span.start).total_seconds(),
        cost_dollars=totals[f"{PREFIX}{name}.microdollars"] / 1e6,
        breaker_opened=round(totals[f"breaker.{PREFIX}{name}.opened"]),
        breaker_closed=round(totals[f"breaker.{PREFIX}{name}.closed"]),
        p50_s=read.quantile([f"{PREFIX}{name}"], span, 0.5),
        p95_s=read.quantile([f"{PREFIX}{name}"], span, 0.95),
        **own,
    )


_seen_end = 0


def _is_first(end: int, every: int) -> bool:
    """Whether no process has written the span that ends there; asked of Redis once a span and process."""
    global _seen_end
    if end == _seen_end:
        return False
    try:
        first = bool(store().set(f"{LOGGED}{end}", 1, nx=True, ex=2 * every + 60))
    except redis.RedisError:
        return False  # the next tick asks again
    _seen_end = end
    return first


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e3:.1f}"
