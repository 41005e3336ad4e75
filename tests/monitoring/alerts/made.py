"""Rules, and figures as the aggregator would have stored them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import count
from typing import Any

from monitoring.alerts.judge.evaluate import Evaluator, Report
from monitoring.alerts.judge.samples import Samples
from monitoring.metrics.store.retain import make_partitions
from monitoring.metrics.store.rollup import roll_up
from monitoring.metrics.store.write import write
from monitoring.models import Alert, AlertRule, AlertState, Channel
from tests.monitoring.blobs import NOON, make_blob, moment

TICK_S = 10
_sequences = count(1)


def make_rule(**fields: Any) -> AlertRule:
    """More than 1,000 jobs wait, at once."""
    defaults: dict[str, Any] = {
        "name": "depth",
        "title": "Many jobs wait",
        "metric": "queue.high",
        "measure": "value",
        "window_s": 10,
        "thresholds": [{"severity": "warning", "fire": 1000, "clear": 800}],
    }
    return AlertRule.objects.create(**defaults | fields)


def ladder(**fires: tuple[float, float]) -> list[dict[str, Any]]:
    return [{"severity": severity, "fire": fire, "clear": clear} for severity, (fire, clear) in fires.items()]


def record(
    second: int,
    *,
    gauges: Mapping[str, float] | None = None,
    counters: Mapping[str, float] | None = None,
    latencies: Mapping[str, Iterable[float]] | None = None,
) -> None:
    """What one process recorded in a second."""
    make_partitions(now=second)
    blob = make_blob(second, next(_sequences), gauges=gauges, counters=counters, latencies=latencies)
    late = write([blob], now=second).late_minutes
    if late:
        roll_up(now=second, again=late)


def at(tick: int, evaluator: Evaluator | None = None, **gauges: float) -> Report | None:
    """Evaluates a tick, in whose last second these gauges were sampled (dots are written as __)."""
    if gauges:
        record(tick - 1, gauges={name.replace("__", "."): value for name, value in gauges.items()})
    return (evaluator or Evaluator(Samples())).evaluate(tick=tick)


def run(values: Iterable[float], start: int = NOON) -> int:
    """A tick for each value of queue.high; the last tick."""
    tick = start
    for tick, value in zip(count(start, TICK_S), values, strict=False):
        at(tick, queue__high=value)
    return tick


def state(rule: AlertRule) -> AlertState:
    return AlertState.objects.get(rule=rule)


def make_alert(rule: AlertRule, *, since: int = NOON, **fields: Any) -> Alert:
    """One that fires since then."""
    defaults: dict[str, Any] = {
        "rule": rule,
        "rule_name": rule.name,
        "title": rule.title,
        "labels": dict(rule.labels),
        "fingerprint": f"{next(_sequences):032x}",
        "phase": "firing",
        "severity": rule.severity,
        "worst": rule.severity,
        "pending_since": moment(since) - timedelta(seconds=rule.for_s),
        "firing_since": moment(since),
        "value": 1200.0,
        "peak": 1200.0,
        "threshold": 1000.0,
        "clear": 800.0,
        "window_s": rule.window_s,
    }
    return Alert.objects.create(**defaults | fields)


def make_channel(name: str = "on-call", **fields: Any) -> Channel:
    """A channel that is never sent to unless a test does."""
    return Channel.objects.create(**{"name": name, "kind": "webhook", "target": "", "shown": "https://x/…"} | fields)


def store_forty_minutes() -> None:
    """A queue that is deep from minute 5 to 15 and in minute 30, and a request that is slow from minute 20 to 28."""
    make_partitions(now=NOON)
    start = NOON - 2400
    blobs = []
    for minute in range(40):
        deep = 5 <= minute < 15 or minute == 30
        slow = 20 <= minute < 28
        blobs.append(
            make_blob(
                start + 60 * minute + 30,
                minute + 1,
                gauges={"queue.high": 6000.0 + minute if deep else 10.0},
                latencies={"operation.context": [0.4 if slow else 0.02] * 20, "requests": [0.1] * 20},
                counters={"requests.errors": 5.0 if slow else 0.0},
            )
        )
    roll_up(now=NOON + 5, again=write(blobs, now=NOON).late_minutes)
