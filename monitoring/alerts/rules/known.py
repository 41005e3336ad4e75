"""The series that a rule may name: those that are recorded, and those that this product records sooner or later."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from monitoring.alerts.rules.patterns import COUNTER, GAUGE, LATENCY, instance_of, is_pattern
from monitoring.models import AlertRule, Series

Measure = AlertRule.Measure

# What default rules name must be known before it is recorded for the first time.
KNOWN: Final = {
    "requests": LATENCY,
    "requests.errors": COUNTER,
    "batch.item": LATENCY,
    "batch.single.item": LATENCY,
    "chat.response.control": LATENCY,
    "chat.response.exposed": LATENCY,
    "database.queries": LATENCY,
    "database.slow": COUNTER,
    "database.errors": COUNTER,
    "database.connections": GAUGE,
    "queue.oldest_s": GAUGE,
    "queue.dead": GAUGE,
    **dict.fromkeys((f"queue.{level}" for level in ("critical", "high", "normal", "low", "bulk")), GAUGE),
    "readiness.score": GAUGE,
    "metrics.lag_s": GAUGE,
    "alerts.firing": GAUGE,
    "breakers.open": GAUGE,
    "flags.attention": GAUGE,
    "flags.snapshot_age_s": GAUGE,
}
# By pattern, for those whose middle is known only when it is recorded.
KNOWN_PATTERNS: Final = {
    "breaker.*.opened": COUNTER,
    "breaker.*.closed": COUNTER,
    "cache.*.hits": COUNTER,
    "cache.*.misses": COUNTER,
    "cohort.*": LATENCY,
    "cohort.*.errors": COUNTER,
    "job.*": LATENCY,
    "job.*.errors": COUNTER,
    "operation.*": LATENCY,
    "operation.*.errors": COUNTER,
    "provider.*": LATENCY,
    "provider.*.failed": COUNTER,
    "queue.*": GAUGE,
    "queue.*.oldest_s": GAUGE,
}
NEEDED: Final = {
    **dict.fromkeys((Measure.P50, Measure.P95, Measure.P99, Measure.MEAN), (LATENCY,)),
    **dict.fromkeys((Measure.COUNT, Measure.RATE, Measure.SHARE), (COUNTER, LATENCY)),
    **dict.fromkeys((Measure.VALUE, Measure.AVERAGE, Measure.MAX, Measure.MIN), (GAUGE,)),
}


def kinds() -> dict[str, str]:
    """What every series holds, by its name."""
    return KNOWN | dict(Series.objects.values_list("name", "kind"))


def names() -> list[str]:
    """All series and patterns that a rule may name, in order."""
    return sorted(kinds().keys() | KNOWN_PATTERNS.keys())


def kinds_of(metric: str, known: dict[str, str]) -> set[str]:
    """What the series hold that a metric stands for; empty where it stands for none."""
    if metric in known:
        return {known[metric]}
    if not is_pattern(metric):
        return set()
    found = {kind for name, kind in known.items() if instance_of(metric, name)}
    return found | ({KNOWN_PATTERNS[metric]} if metric in KNOWN_PATTERNS else set())


def nearest(metric: str, known: dict[str, str]) -> list[str]:
    """The names most like one that is not known, the most alike first."""
    return get_close_matches(metric, known.keys() | KNOWN_PATTERNS.keys(), n=3, cutoff=0.5)
