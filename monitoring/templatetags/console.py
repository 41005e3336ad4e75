"""Template tags of the console: icons, tones of states, sparklines, written figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString

from monitoring import formats
from monitoring.console.charts import Chart
from monitoring.console.chosen import kinds
from monitoring.tracing import request_id as request_ids

register = template.Library()

# Every state's tone and icon, as DESIGN §4 lists them.
STATES = {
    "healthy": ("ok", "check"),
    "keeping up": ("ok", "check"),
    "succeeded": ("ok", "check"),
    "answering": ("ok", "check"),
    "local": ("off", "check"),
    "shadow": ("info", "half"),
    "closed": ("ok", "check"),
    "complete": ("ok", "check"),
    "resolved": ("ok", "check"),
    "active": ("ok", "check"),
    "within limits": ("ok", "shield"),
    "within its limit": ("ok", "shield"),
    "open": ("crit", "crit"),
    "firing critical": ("crit", "crit"),
    "failed": ("crit", "crit"),
    "down": ("crit", "crit"),
    "stalled": ("crit", "crit"),
    "dead": ("crit", "crit"),
    "firing warning": ("warn", "warn"),
    "degraded": ("warn", "warn"),
    "behind": ("warn", "warn"),
    "refusing": ("warn", "shield-warn"),
    "retrying": ("warn", "reset"),
    "over its limit": ("warn", "warn"),
    "expired": ("warn", "clock"),
    "half-open": ("warn", "half"),
    "rolled back": ("warn", "restore"),
    "soaking": ("info", "clock"),
    "running": ("info", "play"),
    "partly on": ("info", "half"),
    "merged": ("info", "merge"),
    "forced open": ("hand", "hand"),
    "held": ("hand", "pause"),
    "cancelled": ("hand", "x"),
    "discarded": ("hand", "forget"),
    "silenced": ("hand", "mute"),
    "forgotten": ("hand", "forget"),
    "disabled": ("off", "off"),
    "pending": ("off", "clock"),
    "waiting": ("off", "clock"),
    "idle": ("off", "pause"),
    "waiting for data": ("off", "clock"),
    "superseded": ("off", "audit"),
    "killed": ("off", "power"),
}
UNKNOWN = ("off", "info")
SPARK_POINTS = 36
SPARK_TOP, SPARK_FOOT = 2.0, 20.0

register.filter("age", formats.age)
register.filter("percent", formats.percent)
register.filter("number", formats.number)
register.filter("duration", formats.duration)
register.filter("short", formats.short)
register.filter("size", formats.size)
register.filter("period", formats.period)


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of parts/icons.svg, which the page includes once."""
    return format_html('<svg class="i" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.simple_tag
def request_id() -> str:
    """The id to name when asking what went wrong; works where a template has no context."""
    return request_ids.current() or "unknown"


@register.simple_tag(takes_context=True)
def chart_script(context: Context, chart: Chart) -> SafeString:
    """What charts.js draws, without the events that this page's URL hides."""
    return json_script(_spec(context, chart), chart.script_id)


@register.simple_tag(takes_context=True)
def named_events(context: Context, chart: Chart) -> list[dict[str, str]]:
    """The events of a chart that have a name there and are not hidden, each with its time in the chosen zone."""
    named = (event for event in _spec(context, chart).get("events", ()) if event.get("text"))
    return [event | {"clock": formats.clock(datetime.fromisoformat(event["t"]))} for event in named]


def _spec(context: Context, chart: Chart) -> dict[str, Any]:
    request = context.get("request")
    return kinds.shown(chart.spec, kinds.hidden(request) if request else frozenset())


@register.filter
def tone(state: str) -> str:
    """The tone class of a state's word."""
    return f"is-{STATES.get(state.lower(), UNKNOWN)[0]}"


@register.filter
def state_icon(state: str) -> str:
    return STATES.get(state.lower(), UNKNOWN)[1]


@register.filter
def rate(per_s: float) -> str:
    """Three digits that matter: a mean of 0.0166666 is 0.0167."""
    return formats.number(float(f"{per_s:.3g}")) if per_s >= 0.01 or not per_s else "0.01"


@register.filter
def countdown(seconds: int) -> str:
    """What console.js counts on from: 0:42."""
    return f"{seconds // 60}:{seconds % 60:02}"


@register.filter
def ms(milliseconds: float) -> str:
    """A latency that is in milliseconds."""
    return formats.duration(milliseconds / 1000)


@register.filter
def of(values: Mapping[str, object], key: str) -> object:
    """A value by a key that the template has in a variable."""
    return values.get(key)


@register.simple_tag
def sparkline(series: Sequence[float | None], colour: str = "") -> SafeString:
    """A series as an inline SVG of 36 points; nothing where fewer than two were measured."""
    values = [value for value in thinned(series, SPARK_POINTS) if value is not None]
    if len(values) < 2:
        return SafeString("")
    line = " ".join(f"{x:.1f} {y:.1f}" for x, y in _plotted(values))
    style = format_html(' style="--spark: var(--{})"', colour) if colour else ""
    return format_html(
        '<svg class="spark" viewBox="0 0 100 22" preserveAspectRatio="none" aria-hidden="true"{}>'
        '<path class="area" d="M{} V22 H0Z"/><path d="M{}"/></svg>',
        style,
        line,
        line,
    )


def thinned(series: Sequence[float | None], points: int) -> list[float | None]:
    """At most `points` values: the mean of each run, None where nothing was measured."""
    if len(series) <= points:
        return list(series)
    edges = [round(i * len(series) / points) for i in range(points + 1)]
    return [_mean(series[start:end]) for start, end in pairwise(edges)]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _plotted(values: Sequence[float]) -> list[tuple[float, float]]:
    """From the left to the right, the least at the foot and the most at the top. A flat line lies at the foot."""
    low, high = min(values), max(values)
    step, scale = 100 / (len(values) - 1), (SPARK_FOOT - SPARK_TOP) / ((high - low) or 1)
    return [(i * step, SPARK_FOOT - (value - low) * scale) for i, value in enumerate(values)]
