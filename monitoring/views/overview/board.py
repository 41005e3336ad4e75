"""The overview: a verdict in a word and a sentence, seven figures with what changed, and the charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache

from monitoring import breakers, events
from monitoring.console import charts
from monitoring.console.charts import Chart
from monitoring.console.figures import (
    ERRORS,
    FIRING,
    OLDEST,
    OLDEST_LIMIT_S,
    REQUESTS,
    Figures,
    compared,
    gather,
    latest,
    shares,
)
from monitoring.console.freshness import REFRESH_S, STALE_S, stamp
from monitoring.console.strip import Kpi, Verdict
from monitoring.formats import age, clock, duration, percent, period, zone
from monitoring.metrics import read, snapshot
from monitoring.views.alerts.frame import change_stamp
from monitoring.views.overview import firing, kpis
from monitoring.views.overview.firing import Firing

DOWN_S = 60
ERROR_LIMIT = 0.01
ERROR_WINDOW = timedelta(minutes=5)
EVENT_LIMIT = 12
JUDGED = "1h"  # the verdict looks at the last hour, whatever range the page shows


@dataclass(frozen=True, slots=True)
class Health:
    """What the verdict is given on. `age_s` is the age of the latest snapshot, None where there is none."""

    now: datetime
    age_s: float | None = 0.0
    has_reported: bool = True
    error_share: float = 0.0
    errors_since: datetime | None = None
    oldest_s: float = 0.0
    oldest_since: datetime | None = None
    cut_off: tuple[breakers.View, ...] = ()  # dependencies whose breaker is not closed
    p95_s: float | None = None
    firing: Firing | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """A figure that the verdict judges, beside its limit."""

    name: str
    value: str
    limit: str
    state: str


@dataclass(frozen=True, slots=True)
class Page:
    """What everybody sees who looks at a range now. `age_s` is the age of the figures at `at`."""

    range: str
    period: str
    at: datetime
    age_s: float | None
    verdict: Verdict
    watched: list[Watch]
    alerts: Firing
    kpis: list[Kpi]
    charts: dict[str, Chart]

    def age_at(self, now: datetime) -> float | None:
        return None if self.age_s is None else self.age_s + (now - self.at).total_seconds()


def verdict(health: Health) -> Verdict:
    """The first thing that is wrong, worst first, and what still works.

    What fires comes before the three figures that are judged here, which also hold where no rule is on.
    """
    if health.age_s is None and not health.has_reported:
        return Verdict(
            "Waiting for data", "No process has reported figures yet. They appear seconds after the first call."
        )
    if health.age_s is None or health.age_s > DOWN_S:
        return Verdict("Down", "No process reports figures. This page answers: look at the workers.", _ago(health))
    if health.age_s > STALE_S:
        return Verdict("Degraded", f"Figures are {age(health.age_s)} old. Calls may be served normally.", _ago(health))
    served = f"context p95 is {duration(health.p95_s)}" if health.p95_s is not None else "the rest is answered"
    if health.firing and (alert := health.firing.worst):
        return Verdict("Degraded", f"{health.firing.sentence}; {served}.", _since(alert.firing_since, health.now))
    if health.error_share > ERROR_LIMIT:
        sentence = f"{percent(health.error_share)} of requests failed in the last 5 minutes; {served}."
        return Verdict("Degraded", sentence, _since(health.errors_since, health.now))
    if health.cut_off:
        worst, rest = health.cut_off[0], len(health.cut_off) - 1
        who = f"{worst.title} and {rest} more are" if rest else f"{worst.title} is"
        sentence = f"{who} cut off, and the local path serves; {served}."
        return Verdict("Degraded", sentence, _since(worst.since, health.now))
    if health.oldest_s > OLDEST_LIMIT_S:
        sentence = f"The oldest job waits for {duration(health.oldest_s)}: new memories come late; {served}."
        return Verdict("Degraded", sentence, _since(health.oldest_since, health.now))
    return Verdict("Healthy", f"Requests are answered and jobs keep up; {served}.", "nothing over its limit")


def watched(health: Health) -> list[Watch]:
    """The three figures of the verdict."""
    share, waits, old = health.error_share, health.oldest_s, health.age_s
    written = "nothing waits" if not waits else duration(waits)
    return [
        Watch("Failed requests", percent(share), f"{percent(ERROR_LIMIT)} over 5 minutes", _state(share, ERROR_LIMIT)),
        Watch("Oldest job", written, f"{OLDEST_LIMIT_S} s", _state(waits, OLDEST_LIMIT_S)),
        Watch("Age of the figures", "none yet" if old is None else age(old), f"{STALE_S} s", _state(old, STALE_S)),
    ]


def health(
    figures: Figures,
    taken: snapshot.Snapshot | None,
    *,
    has_reported: bool,
    now: datetime,
    fires: Firing | None = None,
) -> Health:
    """Reads what the verdict needs out of the last hour."""
    steps = max(1, round(ERROR_WINDOW.total_seconds() / figures.span.step_s))
    requests, errors = figures.counts[REQUESTS], figures.counts[ERRORS]
    share = sum(errors[-steps:]) / (sum(requests[-steps:]) or 1)
    oldest = figures.gauges[OLDEST]
    return Health(
        now=now,
        age_s=taken.age_s(now.timestamp()) if taken else None,
        has_reported=has_reported,
        error_share=share,
        errors_since=_breached_since(figures, shares(errors, requests), ERROR_LIMIT),
        oldest_s=latest(oldest) or 0.0,
        oldest_since=_breached_since(figures, oldest, OLDEST_LIMIT_S),
        cut_off=tuple(view for view in breakers.overview(now) if not view.state.lets_pass),
        p95_s=figures.p95_s,
        firing=fires,
    )


def page(range_name: str, *, now: datetime) -> Page:
    """The page of a range, worked out once for all who look at it within the same seconds."""
    key = f"overview:{stamp(range_name, now=now)}-{change_stamp()}"
    found: Page | None = cache.get(key)
    if found is None:
        found = compose(range_name, now=now)
        cache.set(key, found, timeout=2 * REFRESH_S)
    return found


def compose(range_name: str, *, now: datetime) -> Page:
    span, known = read.span(range_name, now=now), read.known()
    figures, before = compared(span, now=now, known=known)
    judged = figures if range_name == JUDGED else gather(read.span(JUDGED, now=now), now=now, known=known)
    happened = events.between(figures.moment(0), now, EVENT_LIMIT)
    fires = firing.gather(figures.gauges[FIRING], range_name, now=now)
    state = health(judged, snapshot.latest(), has_reported=bool(known.names(REQUESTS)), now=now, fires=fires)
    drawn = (draw(figures, happened) for draw in (charts.latency, charts.traffic, charts.hit_rate, charts.queues))
    return Page(
        range=range_name,
        period=period(range_name),
        at=now,
        age_s=state.age_s,
        verdict=verdict(state),
        watched=watched(state),
        alerts=fires,
        kpis=kpis.all_of(figures, before, latest_hour=judged, fires=fires),
        charts={chart.key: chart for chart in drawn},
    )


def _state(value: float | None, limit: float) -> str:
    if value is None:
        return "Waiting for data"
    return "Over its limit" if value > limit else "Within its limit"


def _breached_since(figures: Figures, series: Sequence[float | None], limit: float) -> datetime | None:
    """The start of the run over the limit that lasts until now."""
    since = None
    for i in range(len(series) - 1, -1, -1):
        value = series[i]
        if value is not None and value <= limit:
            break
        if value is not None:
            since = i
    return None if since is None else figures.moment(since)


def _ago(health: Health) -> str:
    return _since(health.now - timedelta(seconds=health.age_s), health.now) if health.age_s else ""


def _since(moment: datetime | None, now: datetime) -> str:
    return f"since {clock(moment)} {zone()}, {age((now - moment).total_seconds())}" if moment else ""
