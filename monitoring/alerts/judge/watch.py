"""When alerts are evaluated, and when they last were: on a grid of ten seconds, in the aggregator's process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from monitoring.alerts.judge.evaluate import TICK_S, Evaluator
from monitoring.alerts.rules.defaults import make_defaults
from monitoring.models import Alert, AlertState, Evaluation, Severity

DELAY_S: Final = 4  # after which the figures of a tick are stored
LATE_S: Final = 3 * TICK_S  # two ticks were missed

LAG_SQL: Final = "SELECT max(second) FROM monitoring_second"


@dataclass(slots=True)
class Watch:
    """The aggregator's part: one tick each second, of which one in ten evaluates."""

    evaluator: Evaluator = field(default_factory=Evaluator)
    done: int = 0
    has_defaults: bool = False

    def tick(self, second: int) -> None:
        """Evaluates the latest tick whose figures are complete. Ticks that were missed are not made up for."""
        if not self.has_defaults:
            make_defaults(datetime.fromtimestamp(second, UTC))
            self.has_defaults = True
        tick = (second - DELAY_S) // TICK_S * TICK_S
        if tick > self.done:
            self.evaluator.evaluate(tick=tick)
            self.done = tick


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The last evaluation. `at` is None before the first one; `errors` rules could not be judged."""

    at: datetime | None
    age_s: float
    is_late: bool
    rules: int = 0
    errors: int = 0
    took_ms: float = 0.0


def evaluated(now: datetime) -> Evaluated:
    """When alerts were last evaluated, and whether that is too long ago."""
    row = Evaluation.objects.filter(pk=Evaluation.ONLY).first()
    if row is None or not row.tick:
        return Evaluated(None, 0.0, is_late=True)
    at = datetime.fromtimestamp(row.tick, UTC)
    age_s = max(0.0, (now - at).total_seconds())
    return Evaluated(at, age_s, age_s > LATE_S + DELAY_S, row.rules, row.errors, row.took_ms)


def evaluated_at() -> datetime | None:
    """The tick of the last evaluation."""
    tick = Evaluation.objects.filter(pk=Evaluation.ONLY).values_list("tick", flat=True).first()
    return datetime.fromtimestamp(tick, UTC) if tick else None


def gauges() -> Mapping[str, float]:
    """For the metrics: how many alerts fire, how old the last evaluation is, and how far the stored figures lag."""
    now = timezone.now()
    open_now = Alert.objects.open().values_list("severity").annotate(Count("id"))
    by_severity = dict(open_now.order_by())
    pending = AlertState.objects.filter(phase=AlertState.Phase.PENDING).count()
    figures = {
        "alerts.firing": float(sum(by_severity.values())),
        "alerts.firing.critical": float(by_severity.get(Severity.CRITICAL, 0)),
        "alerts.pending": float(pending),
    }
    if (at := evaluated_at()) is not None:
        figures["alerts.evaluated_age_s"] = max(0.0, (now - at).total_seconds())
    with connection.cursor() as cursor:
        cursor.execute(LAG_SQL)
        last = cursor.fetchone()[0]
    if last is not None:
        figures["metrics.lag_s"] = max(0.0, now.timestamp() - last)
    return figures
