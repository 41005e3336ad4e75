"""A rule held against what was recorded: when it would have fired, how often, how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.urls import reverse

from monitoring import alerts
from monitoring.console.charts import Chart
from monitoring.console.figures import Measured
from monitoring.formats import age, period
from monitoring.metrics import read
from monitoring.metrics.ranges import named
from monitoring.models import AlertRule, Severity
from monitoring.views.alerts.plot import Tint, draw
from monitoring.views.alerts.words import TONES, counted

RANGES: Final = (("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days"))
LISTED: Final = 10
AROUND: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Fired:
    """Once that it would have fired. `href` shows the overview of that time."""

    start: datetime
    end: datetime
    is_open: bool
    lasted: str
    worst: str
    href: str


@dataclass(frozen=True, slots=True)
class Trial:
    """`problem` is why there is none."""

    problem: str = ""
    tone: str = "ok"
    icon: str = "check"
    word: str = ""
    sentence: str = ""
    chart: Chart | None = None
    spans: Sequence[Fired] = ()
    more: int = 0


def hold(rule: AlertRule, range_name: str, *, now: datetime) -> Trial:
    """The rule, saved or not, against the range."""
    span = read.span(range_name, now=now)
    test = alerts.backtest(rule, span)
    fired = [_fired(rule, each, now) for each in reversed(test.fired[-LISTED:])]
    often = len(test.fired)
    tints = [Tint(each.start, each.end or now, TONES[Severity(each.severity)], "") for each in test.fired]
    return Trial(
        tone="warn" if often else "ok",
        icon="bell" if often else "check",
        word=f"Would have fired {_times(often)}" if often else "Would not have fired",
        sentence=_sentence(test, period(range_name)),
        chart=draw("backtest", rule, span, tints=tints, values=_worst(rule, test)),
        spans=fired,
        more=max(0, often - LISTED),
    )


def _worst(rule: AlertRule, test: alerts.Backtest) -> Measured:
    """At each step the value that is nearest to firing, of all series that a pattern stands for."""
    worst = max if rule.comparison == AlertRule.Comparison.ABOVE else min
    columns = zip(*(one.values for one in test.instances), strict=True)
    known = [[value for value in column if value is not None] for column in columns]
    return [worst(values) if values else None for values in known] or [None] * test.span.points


def _sentence(test: alerts.Backtest, words: str) -> str:
    judged = f"judged every {age(test.grain_s)}" if test.evaluated else "nothing was recorded to judge"
    if not test.fired:
        return f"Not once in {words}; {judged}."
    many = f", of {counted(len(test.instances), 'series', 'series')}" if len(test.instances) > 1 else ""
    return f"{_times(len(test.fired)).capitalize()} in {words}{many}, longest {age(test.longest_s)}; {judged}."


def _times(often: int) -> str:
    return "once" if often == 1 else f"{often:,} times"


def _fired(rule: AlertRule, each: alerts.Fired, now: datetime) -> Fired:
    end = each.end or now
    around = named(each.start - AROUND, min(end + AROUND, now))
    return Fired(
        start=each.start,
        end=end,
        is_open=each.end is None,
        lasted=age((end - each.start).total_seconds()),
        worst=alerts.written(rule, each.peak),
        href=f"{reverse('overview')}?range={around}",
    )
