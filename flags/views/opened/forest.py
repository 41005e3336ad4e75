"""The guard's comparison drawn: each metric's ratio with its band against its limits, and the evidence beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import log
from typing import Final

from flags.guard.policy import Policy
from flags.guard.statistics.units import Metric
from flags.plan.standing import Judgement, Row

TITLES: Final = {
    Metric.LATENCY: "latency, exposed to control",
    Metric.SLOW: "slow share, exposed to control",
    Metric.ERRORS: "error rate, exposed to control",
}
LOW, HIGH = -0.25, 1.25  # the scale's ends, in margins: so guards can be compared with each other
ZERO: Final = 100 * -LOW / (HIGH - LOW)
MARGIN: Final = 100 * (1 - LOW) / (HIGH - LOW)


@dataclass(frozen=True, slots=True)
class Meter:
    """How much evidence there is, on a logarithmic scale up to what decides. `marks` are (place, words)."""

    title: str
    said: str
    tone: str
    filled: float  # percent
    marks: tuple[tuple[float, str], ...]
    label: str


@dataclass(frozen=True, slots=True)
class Forest:
    """One metric. Places are percent of the scale; None where there is too little to say."""

    title: str
    said: str
    judged: str
    tone: str
    low: float | None
    point: float | None
    high: float | None
    floor: float
    band: str
    margin: str
    label: str
    harm: Meter
    safe: Meter

    zero: float = ZERO
    limit: float = MARGIN

    @property
    def meters(self) -> tuple[Meter, Meter]:
        return self.harm, self.safe


def forests(rows: Iterable[Row], policy: Policy) -> list[Forest]:
    """Of all metrics that the last look compared."""
    return [_forest(row, policy) for row in rows]


def _forest(row: Row, policy: Policy) -> Forest:
    title = TITLES[Metric(row.metric)]
    if row.low is None and row.state not in {Judgement.HARM, Judgement.WARNING}:
        row = replace(row, ratio=None, high=None)  # so few errors that the ratio is half a guess
    band = f"{row.low:.2f} to {row.high:.2f}" if row.low is not None and row.high is not None else ""
    known = f"ratio {row.ratio:.3f}, band {band or 'not known yet'}" if row.ratio is not None else "too little to say"
    harm = ((policy.warn_at, "hold"), (policy.alarm_at, "roll back"))
    return Forest(
        title=title,
        said=change(row.ratio),
        judged=row.state,
        tone=tone(row),
        low=place(row.low, row.margin),
        point=place(row.ratio, row.margin),
        high=place(row.high, row.margin),
        floor=place(row.floor, row.margin) or ZERO,
        band=band,
        margin=f"margin ×{row.margin:g}",  # noqa: RUF001 -- a sign of multiplication
        label=f"{title.capitalize()}: {known}; floor {row.floor:g}, margin {row.margin:g}. {row.state.capitalize()}.",
        harm=meter("harm", row.e_harm, policy.alarm_at, harm),
        safe=meter("safe", row.e_safe, policy.alarm_at, ((policy.alarm_at, "proved"),)),
    )


def change(ratio: float | None) -> str:
    """+4.2 %, as much as exposed is above control."""
    if ratio is None:
        return "not yet"
    return f"{(ratio - 1) * 100:+.1f} %".replace("-", "−")  # noqa: RUF001 -- a minus sign, not a hyphen


def tone(row: Row) -> str:
    """Ok while the whole band is inside the margin, warn where it crosses it, crit where harm is proved."""
    if row.ratio is None:
        return "off"
    if row.state is Judgement.HARM:
        return "crit"
    is_inside = row.high is not None and row.high < row.margin
    return "warn" if row.state is Judgement.WARNING or not is_inside else "ok"


def place(ratio: float | None, margin: float) -> float | None:
    """Where a ratio stands on the scale, in percent: 1 is zero, the margin is one."""
    if ratio is None or ratio <= 0:
        return None
    at = log(ratio) / log(margin)
    return round(min(100.0, max(0.0, 100 * (at - LOW) / (HIGH - LOW))), 1)


def meter(title: str, e: float, most: float, marks: tuple[tuple[float, str], ...]) -> Meter:
    """Evidence of 1 and less is none."""
    filled = _filled(e, most)
    is_over = e >= most
    warned = len(marks) > 1 and e >= marks[0][0]
    tones = ("crit", "warn") if title == "harm" else ("ok", "info")
    said = "over 1 million" if e > 1e6 else f"{e:,.0f}" if e >= 10 else f"{e:.2g}"
    limits = ", ".join(f"{words} at {at:g}" for at, words in marks)
    return Meter(
        title=title,
        said=said,
        tone=tones[0] if is_over else tones[1] if warned or (title == "safe" and e > 1) else "off",
        filled=filled,
        marks=tuple((_filled(at, most), f"{words} {at:g}") for at, words in marks),
        label=f"Evidence of {'harm' if title == 'harm' else 'safety'} {said}; {limits}.",
    )


def _filled(e: float, most: float) -> float:
    """A little room is left beyond what decides."""
    return round(min(100.0, max(0.0, 90 * log(max(e, 1.0)) / log(most))), 1)
