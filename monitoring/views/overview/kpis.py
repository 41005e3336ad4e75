"""The seven figures of the overview's strip, each with what changed against the period before."""

from __future__ import annotations

from monitoring.console.figures import (
    ERRORS,
    MEMORIES,
    MESSAGES,
    OLDEST,
    OLDEST_LIMIT_S,
    REQUESTS,
    Figures,
    Measured,
    latest,
    shares,
)
from monitoring.console.strip import NONE, Delta, Kpi
from monitoring.formats import apart, duration, number, percent, points
from monitoring.views.overview.firing import Firing

SLOWER_LIMIT = 0.1  # a p95 that rose by less than a tenth is noise
POINT_LIMIT = 0.01


def all_of(figures: Figures, before: Figures, *, latest_hour: Figures, fires: Firing | None = None) -> list[Kpi]:
    """`latest_hour` says how it is now: the last step of a long range is a mean of hours."""
    return [
        _alerts(fires),
        _queue(figures, latest_hour),
        _messages(figures, before),
        _context(figures, before),
        _errors(figures, before),
        _cache(figures, before),
        _memories(figures, latest_hour),
    ]


def _alerts(fires: Firing | None) -> Kpi:
    if fires is None or not fires.rules_on:
        return Kpi("alerts", "Active alerts", "None", Delta("no rule is on"), "alerts")
    if not fires.count:
        return Kpi("alerts", "Active alerts", "None", Delta(fires.quiet), "alerts", "", fires.series)
    tone = "crit" if fires.critical else "warn"
    said = f"{fires.critical} critical" if fires.critical else "none critical"
    value = number(fires.count)
    return Kpi("alerts", "Active alerts", value, Delta(said, tone, tone), "alerts", "firing", fires.series, tone)


def _queue(figures: Figures, hour: Figures) -> Kpi:
    waiting, oldest = latest(hour.depth()), latest(hour.gauges[OLDEST])
    late = (oldest or 0) > OLDEST_LIMIT_S
    delta = Delta("nothing waits" if waiting is not None else "not measured yet")
    if oldest:
        delta = Delta(f"oldest {duration(oldest)}", "clock", "warn" if late else "")
    return Kpi(
        "queue", "Queue depth", _or_none(waiting), delta, "queues", "", figures.depth(), "warn" if late else "c-main"
    )


def _messages(figures: Figures, before: Figures) -> Kpi:
    now, then = figures.total(MESSAGES), before.total(MESSAGES)
    delta = Delta("none before") if not then else _direction((now - then) / then)
    series: Measured = [*figures.rate(MESSAGES)]
    return Kpi("messages", "Messages", number(float(f"{now / figures.seconds:.3g}")), delta, "traffic", "/s", series)


def _context(figures: Figures, before: Figures) -> Kpi:
    now, then = figures.p95_s, before.p95_s
    value, unit = apart(duration(now)) if now is not None else (NONE, "")
    return Kpi("context", "Context p95", value, _slower(now, then), "latency", unit, figures.latency[0.95])


def _errors(figures: Figures, before: Figures) -> Kpi:
    now, then = (_share(f.total(ERRORS), f.total(REQUESTS)) for f in (figures, before))
    series = shares(figures.counts[ERRORS], figures.counts[REQUESTS])
    is_bad = (now or 0) > POINT_LIMIT
    value, unit = apart(percent(now)) if now is not None else (NONE, "")
    delta = _points(now, then, up="more fail", down="fewer fail", bad="up")
    return Kpi("errors", "Failed requests", value, delta, "traffic", unit, series, "crit" if is_bad else "c-main")


def _cache(figures: Figures, before: Figures) -> Kpi:
    (hits, lookups), (old_hits, old_lookups) = figures.all_hits(), before.all_hits()
    now, then = _share(sum(hits), sum(lookups)), _share(sum(old_hits), sum(old_lookups))
    value, unit = apart(percent(now)) if now is not None else (NONE, "")
    delta = _points(now, then, up="higher", down="lower", bad="down")
    return Kpi("cache", "Cache hit rate", value, delta, "cache", unit, shares(hits, lookups))


def _memories(figures: Figures, hour: Figures) -> Kpi:
    series = figures.gauges[MEMORIES]
    known = [value for value in series if value is not None]
    more = round(known[-1] - known[0]) if known else 0
    delta = Delta("unchanged" if known else "not counted yet")
    if more:
        delta = Delta(f"{number(abs(more))} {'more' if more > 0 else 'fewer'}", *_arrow(more))
    return Kpi("memories", "Active memories", _or_none(latest(hour.gauges[MEMORIES])), delta, "", "", series)


def _or_none(value: float | None) -> str:
    return NONE if value is None else number(round(value))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _direction(change: float) -> Delta:
    whole = round(abs(change) * 100)
    if not whole:
        return Delta("as before")
    return Delta(f"{number(whole)} % {'more' if change > 0 else 'fewer'}", *_arrow(change))


def _slower(now: float | None, then: float | None) -> Delta:
    if now is None or then is None:
        return Delta("none before" if now is not None else "no call yet")
    change = now - then
    if abs(change) < 0.0005:
        return Delta("as before")
    tone = "warn" if change > then * SLOWER_LIMIT else ""
    return Delta(f"{duration(abs(change))} {'slower' if change > 0 else 'faster'}", *_arrow(change), tone)


def _points(now: float | None, then: float | None, *, up: str, down: str, bad: str) -> Delta:
    if now is None or then is None:
        return Delta("none before" if now is not None else "nothing counted")
    change = now - then
    if abs(change) < 0.0005:
        return Delta("as before")
    is_bad = abs(change) > POINT_LIMIT and (change > 0) == (bad == "up")
    return Delta(f"{points(abs(change))} {up if change > 0 else down}", *_arrow(change), "warn" if is_bad else "")


def _arrow(change: float) -> tuple[str]:
    return ("up-arrow" if change > 0 else "down-arrow",)
