"""Template tags of the console: icons, tones of states, sparklines, written figures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from monitoring import formats
from monitoring import request_id as request_ids

register = template.Library()

# Every state's tone and icon, as DESIGN §4 lists them.
STATES = {
    "healthy": ("ok", "check"),
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
    "firing warning": ("warn", "warn"),
    "degraded": ("warn", "warn"),
    "over its limit": ("warn", "warn"),
    "expired": ("warn", "clock"),
    "half-open": ("warn", "half"),
    "rolled back": ("warn", "restore"),
    "soaking": ("info", "clock"),
    "partly on": ("info", "half"),
    "merged": ("info", "merge"),
    "forced open": ("hand", "hand"),
    "held": ("hand", "pause"),
    "silenced": ("hand", "mute"),
    "forgotten": ("hand", "forget"),
    "disabled": ("off", "off"),
    "pending": ("off", "clock"),
    "waiting for data": ("off", "clock"),
    "superseded": ("off", "audit"),
    "killed": ("off", "power"),
}
UNKNOWN = ("off", "info")
SPARK_POINTS = 36
SPARK_TOP, SPARK_FOOT = 2.0, 20.0

register.filter("age", formats.age)
register.filter("percent", formats.percent)


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of parts/icons.svg, which the page includes once."""
    return format_html('<svg class="i" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.simple_tag
def request_id() -> str:
    """The id to name when asking what went wrong; works where a template has no context."""
    return request_ids.current() or "unknown"


@register.filter
def tone(state: str) -> str:
    """The tone class of a state's word."""
    return f"is-{STATES.get(state.lower(), UNKNOWN)[0]}"


@register.filter
def state_icon(state: str) -> str:
    return STATES.get(state.lower(), UNKNOWN)[1]


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
