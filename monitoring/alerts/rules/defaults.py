"""The rules that every installation begins with, as data. An operator's edits of them are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from monitoring.models import AlertRule, Severity

Kind = AlertRule.Kind
Measure = AlertRule.Measure
NoData = AlertRule.NoData
LEVELS: Final = " + ".join(f"queue.{level}" for level in ("critical", "high", "normal", "low", "bulk"))
INHIBITS: Final = "inhibits"  # the label of a rule whose alerts explain others, such as those for want of data
NO_DATA: Final = "no-data"


def _step(severity: Severity, fire: float, clear: float, **windows: int) -> dict[str, Any]:
    return {"severity": severity.value, "fire": fire, "clear": clear, **windows}


WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL

DEFAULTS: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "memory-processing",
        "title": "Memories take longer than 100 ms to process",
        "summary": "95 of 100 memory jobs should take less than 100 ms each.",
        "metric": "batch.item + batch.single.item",
        "measure": Measure.P95,
        "window_s": 300,
        "thresholds": [_step(WARNING, 100, 80), _step(CRITICAL, 500, 400)],
        "for_s": 60,
        "keep_firing_s": 60,
        "min_events": 5,
        "labels": {"component": "processing"},
        "recommendation": "Look at Providers: a slow embedder or extractor is the usual cause.\n"
        "Look at Queries for a statement that became slow.\n"
        "Turn batching on with the flag batch_processing, or start another worker.",
        "link": "queues?range=1h",
    },
    {
        "name": "chat-slower-than-control",
        "title": "Chat answers are more than 10 % slower than the control cohort's",
        "summary": "Users who have the new behaviour should not wait longer than those who do not.",
        "kind": Kind.RATIO,
        "metric": "chat.response",
        "measure": Measure.P95,
        "window_s": 900,
        "thresholds": [_step(WARNING, 10, 5), _step(CRITICAL, 30, 20)],
        "for_s": 120,
        "keep_firing_s": 120,
        "min_events": 50,
        "baseline": AlertRule.Baseline.CONTROL,
        "labels": {"component": "chat"},
        "recommendation": "Hold the rollout, or lower its percentage.\nCompare the two cohorts on the Latency page.",
        "link": "latency?range=1h",
    },
    {
        "name": "queue-depth",
        "title": "More than 1,000 jobs wait",
        "summary": "All priorities together, waiting and running.",
        "metric": LEVELS,
        "measure": Measure.VALUE,
        "window_s": 30,
        "thresholds": [_step(WARNING, 1000, 800), _step(CRITICAL, 10_000, 8000)],
        "for_s": 30,
        "keep_firing_s": 60,
        "labels": {"component": "queue"},
        "recommendation": "See on Queues which priority grows, and whether workers take from it.\n"
        "Start more workers, or stop the source of bulk work until it is drained.",
        "link": "queues?range=1h",
    },
    {
        "name": "error-rate",
        "title": "More than 1 % of requests fail",
        "summary": "Answers of 5xx among all requests.",
        "kind": Kind.RATE,
        "metric": "requests.errors",
        "measure": Measure.SHARE,
        "denominator": "requests",
        "window_s": 300,
        "thresholds": [_step(WARNING, 1, 0.5), _step(CRITICAL, 5, 2.5)],
        "for_s": 60,
        "keep_firing_s": 60,
        "min_events": 20,
        "labels": {"component": "api"},
        "recommendation": "See on Latency which operation fails, and open one of its slow requests.\n"
        "If it began with a flag or a deploy, take that back first.",
        "link": "latency?range=1h&sort=errors",
    },
    {
        "name": "error-budget",
        "title": "The error budget burns too fast",
        "summary": "99.9 % of requests should succeed in 30 days; at this rate they will not.",
        "kind": Kind.BURN,
        "metric": "requests.errors",
        "measure": Measure.SHARE,
        "denominator": "requests",
        "window_s": 3600,
        "objective": 0.999,
        "thresholds": [
            _step(WARNING, 1, 1, long_s=259_200, short_s=21_600),
            _step(CRITICAL, 14.4, 14.4, long_s=3600, short_s=300),
            _step(CRITICAL, 6, 6, long_s=21_600, short_s=1800),
        ],
        "min_events": 100,
        "labels": {"component": "api"},
        "recommendation": "Treat it as an outage if it is critical: find what fails on Latency and take it back.\n"
        "As a warning it is work for this week, not for this night.",
        "link": "latency?range=6h&sort=errors",
    },
    {
        "name": "breaker-opened",
        "title": "A circuit breaker opened",
        "summary": "A provider fails or is too slow; the standard path serves meanwhile.",
        "kind": Kind.EVENT,
        "metric": "breaker.*.opened",
        "measure": Measure.COUNT,
        "window_s": 300,
        "thresholds": [_step(WARNING, 0, 0), _step(CRITICAL, 5, 3)],
        "labels": {"component": "providers"},
        "recommendation": "See on Breakers what the last failures were, and ask the provider's status page.\n"
        "Nothing is lost: degraded work is queued to be done again.",
        "link": "breakers",
    },
    {
        "name": "hit-rate",
        "title": "A cache answers less than 60 % of lookups",
        "summary": "Per cache, over a quarter of an hour.",
        "kind": Kind.RATE,
        "metric": "cache.*.hits",
        "measure": Measure.SHARE,
        "denominator": "cache.*.hits + cache.*.misses",
        "comparison": AlertRule.Comparison.BELOW,
        "window_s": 900,
        "thresholds": [_step(WARNING, 60, 65)],
        "for_s": 300,
        "keep_firing_s": 300,
        "min_events": 100,
        "labels": {"component": "caches"},
        "recommendation": "After a restart or an invalidation it comes back by itself: warm the cache on Caches.\n"
        "If entries are evicted, give Redis more memory or the cache a shorter life.",
        "link": "caches?range=1h",
    },
    {
        "name": "oldest-job",
        "title": "A job has waited for more than a minute",
        "summary": "The oldest job that is due, of any priority.",
        "metric": "queue.oldest_s",
        "measure": Measure.VALUE,
        "window_s": 30,
        "thresholds": [_step(WARNING, 60, 30), _step(CRITICAL, 600, 300)],
        "for_s": 30,
        "keep_firing_s": 60,
        "labels": {"component": "queue"},
        "recommendation": "See on Queues whether workers live and what they hold.\n"
        "Start another worker for the priority that waits.",
        "link": "queues?range=1h",
    },
    {
        "name": "readiness",
        "title": "Readiness is under 80",
        "summary": "The weighted score of all checks, or its cap while a blocking one fails.",
        "metric": "readiness.score",
        "measure": Measure.VALUE,
        "comparison": AlertRule.Comparison.BELOW,
        "window_s": 120,
        "thresholds": [_step(WARNING, 80, 85), _step(CRITICAL, 60, 65)],
        "for_s": 60,
        "keep_firing_s": 60,
        "labels": {"component": "readiness"},
        "recommendation": "Open Readiness: it lists what brings the most points, and what to do.",
        "link": "readiness",
    },
    {
        "name": "slow-queries",
        "title": "More than one query in five seconds is slow",
        "summary": "Queries over the limit of HOLDFAST_SLOW_QUERY_MS.",
        "kind": Kind.RATE,
        "metric": "database.slow",
        "measure": Measure.RATE,
        "window_s": 300,
        "thresholds": [_step(WARNING, 0.2, 0.1), _step(CRITICAL, 2, 1)],
        "for_s": 60,
        "keep_firing_s": 120,
        "labels": {"component": "database"},
        "recommendation": "Open Queries: it shows the statement, its plan, and the index that it misses.",
        "link": "queries?range=1h",
    },
    {
        "name": "aggregator-late",
        "title": "Figures arrive late",
        "summary": "The newest stored second is more than ten seconds old, so pages and alerts lag behind.",
        "metric": "metrics.lag_s",
        "measure": Measure.VALUE,
        "window_s": 60,
        "thresholds": [_step(WARNING, 10, 6), _step(CRITICAL, 60, 30)],
        "for_s": 20,
        "keep_firing_s": 30,
        "no_data": NoData.ALERT,
        "labels": {"component": "monitoring", INHIBITS: NO_DATA},
        "recommendation": "See whether the process of `manage.py aggregate` lives.\n"
        "See how busy PostgreSQL and Redis are.",
        "link": "overview?range=15m",
    },
    {
        "name": "flags-old",
        "title": "Processes can't tell whether their flags still hold",
        "summary": "Since when nobody has confirmed the flags of a process: Redis each second, else PostgreSQL.",
        "metric": "flags.snapshot_age_s",
        "measure": Measure.VALUE,
        "window_s": 60,
        "thresholds": [_step(WARNING, 45, 10)],
        "for_s": 20,
        "keep_firing_s": 30,
        "labels": {"component": "flags"},
        "recommendation": "Flags go on as they were: nothing is wrong yet, but a change would not arrive.\n"
        "See on Readiness whether Redis and PostgreSQL answer.",
        "link": "readiness",
    },
)


def make_defaults(now: datetime) -> int:
    """Adds the built-in rules that are not there, and leaves those that are as they are; how many were added."""
    there = set(AlertRule.objects.filter(name__in=[each["name"] for each in DEFAULTS]).values_list("name", flat=True))
    missing = [each for each in DEFAULTS if each["name"] not in there]
    rows = [AlertRule(is_builtin=True, created_at=now, changed_at=now, **each) for each in missing]
    AlertRule.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)
