"""What the readiness page shows: the score, what to do first, every rule with its value, and the drills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import NoReverseMatch, reverse

from monitoring import formats
from monitoring.console import charts
from monitoring.console.charts import Chart, Line
from monitoring.formats import age, duration, number
from monitoring.health.drills import results
from monitoring.health.drills.registry import Spec, registered
from monitoring.health.readiness import history
from monitoring.health.readiness.assess import Assessment, Judged, RuleState
from monitoring.health.readiness.rules import Level
from monitoring.health.readiness.score import CAP
from monitoring.metrics import read
from monitoring.models import DrillResult

TARGET: Final = 80
LOOKS: Final = {
    RuleState.MET: ("Met", "ok", "check"),
    RuleState.PARTLY: ("Partly", "warn", "half"),
    RuleState.FAILED: ("Failed", "crit", "crit"),
    RuleState.UNKNOWN: ("Unknown", "off", "info"),
}
UNITS: Final = {"ms": 0.001, "µs": 0.000_001, "s": 1.0, "h": 3600.0}
CAPPED: Final = f"A blocking rule has failed: the score stays under {CAP + 1:.0f} until it is met."
NAMED: Final = 3  # rules that stand between here and the next level


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule in the table. `component` is empty where the row above has the same."""

    judged: Judged
    component: str
    word: str
    tone: str
    icon: str
    value: str
    points: str
    href: str
    age: str


@dataclass(frozen=True, slots=True)
class DrillRow:
    """A drill with its last result."""

    spec: Spec
    last: DrillResult | None
    word: str
    tone: str
    icon: str
    ago: str
    refused: str


@dataclass(frozen=True, slots=True)
class Board:
    """The page."""

    range: str
    assessment: Assessment
    score: str
    ring: float
    tone: str
    level: str
    next_level: str
    sentence: str
    confidence: str
    cap: str
    lines: list[RuleLine]
    first: list[RuleLine]
    drills: list[DrillRow]
    chart: Chart


def compose(assessment: Assessment, *, range_name: str, may_run: bool, now: datetime) -> Board:
    """All that the page shows; the assessment may be a few seconds old."""
    found = assessment.score
    lines = [line(each, now) for each in assessment.judged]
    by_rule = {each.judged.rule.name: each for each in lines}
    return Board(
        range=range_name,
        assessment=assessment,
        score="–" if found.value is None else f"{found.value:.0f}",  # noqa: RUF001 - a dash where there is no figure
        ring=found.value or 0.0,
        tone=tone(found.value),
        level=found.level.value.capitalize() if found.level else "No level",
        next_level=next_level(assessment),
        sentence=sentence(assessment),
        confidence=f"{found.confidence:.0f}",
        cap=f"A blocking rule has failed: the score stays under {CAP + 1:.0f} until it is met."
        if found.is_capped
        else "",
        lines=grouped(lines),
        first=[by_rule[each.rule.name] for each in assessment.top],
        drills=drills(may_run=may_run, now=now),
        chart=trend(assessment, range_name, now=now),
    )


def tone(score: float | None) -> str:
    if score is None:
        return "off"
    return "ok" if score >= TARGET else "warn" if score > CAP else "crit"


def sentence(assessment: Assessment) -> str:
    """How many rules are in which state."""
    counted = assessment.counted
    said = ", ".join(f"{n} {state.value}" for state, n in counted.items() if n)
    return f"{len(assessment.judged)} rules: {said}" if assessment.judged else "no rule is registered"


def next_level(assessment: Assessment) -> str:
    """What is missing for the next level, in words."""
    reached = assessment.score.level
    levels = list(Level)
    left = levels[levels.index(reached) + 1 :] if reached else levels
    for level in left:
        missing = [each for each in assessment.judged if each.rule.level is level and each.state is not RuleState.MET]
        if missing:
            names = ", ".join(each.rule.title for each in missing[:NAMED])
            more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
            return f"{level.value.capitalize()} needs: {names}{more}."
    return "All levels are reached."


def line(judged: Judged, now: datetime) -> RuleLine:
    rule, measured = judged.rule, judged.measured
    word, tone, icon = LOOKS[judged.state]
    return RuleLine(
        judged=judged,
        component=rule.component,
        word=word,
        tone=tone,
        icon=icon,
        value="not known" if judged.good is None else said(measured.value or 0.0, rule.unit),
        points=f"+{judged.points:.1f}" if judged.points >= 0.05 else "",
        href=address(rule.link),
        age="now" if (old := (now - measured.at).total_seconds()) < 1 else f"{age(old)} ago",
    )


def grouped(lines: Sequence[RuleLine]) -> list[RuleLine]:
    """With the component's name in its first row alone."""
    shown: list[RuleLine] = []
    for place, each in enumerate(lines):
        is_same = place > 0 and lines[place - 1].component == each.component
        fields = {name: getattr(each, name) for name in each.__slots__}
        shown.append(RuleLine(**fields | {"component": "" if is_same else each.component}))
    return shown


def said(value: float, unit: str) -> str:
    """A value with its unit, as people say it."""
    if unit == "yes":
        return "yes" if value >= 50 else "no"
    if unit == "µs" and value < 1000:
        return f"{number(round(value, 1))} µs"
    if unit in UNITS:
        return duration(value * UNITS[unit])
    return f"{number(round(value, 1))} {unit}".strip()


def address(link: str) -> str:
    """Where a rule's page is; empty where it does not exist here."""
    try:
        return reverse(link) if link and not link.startswith("/") else link
    except NoReverseMatch:
        return ""


def drills(*, may_run: bool, now: datetime) -> list[DrillRow]:
    """Those that never ran or failed first, in the order of registration otherwise."""
    known, busy = results.latest(now=now), results.running(now=now)
    rows = [drill_row(spec, known.get(spec.name), spec.name in busy, may_run, now) for spec in registered()]
    order = {"Failed": 0, "Running": 1, "Never ran": 2, "Passed": 3}
    return sorted(rows, key=lambda row: order[row.word])


def drill_row(spec: Spec, last: DrillResult | None, is_busy: bool, may_run: bool, now: datetime) -> DrillRow:
    if is_busy:
        word, tone, icon = "Running", "info", "play"
    elif last is None:
        word, tone, icon = "Never ran", "off", "clock"
    else:
        word, tone, icon = ("Passed", "ok", "check") if last.passed else ("Failed", "crit", "crit")
    refused = "It runs now" if is_busy else "" if may_run else "Needs the permission to run drills"
    ago = f"{age((now - last.started_at).total_seconds())} ago" if last else ""
    return DrillRow(spec, last, word, tone, icon, ago, refused)


def trend(assessment: Assessment, range_name: str, *, now: datetime) -> Chart:
    """Score and confidence over the range."""
    span = read.span(range_name, now=now)
    scores, confidences = history.trend(span)
    lines = [
        Line("score", scores, "", "c-main", {"width": 2.25, "fill": "tozeroy", "alpha": 0.1}),
        Line("confidence", confidences, " %", "c-control", {"width": 1.5, "dash": "2px,2px"}, "dot"),
    ]
    spec = {"unit": "", "range": [0, 101], "limits": [{"y": TARGET, "text": f"target {TARGET}", "tone": "t1"}]}
    label = f"Readiness {lines[0].now} of 100, {lines[1].now} of it known; {sentence(assessment)}."
    texts = ("Trend", f"last {formats.period(range_name)}", label, "manage.py aggregate", "No assessment")
    return charts.chart("trend", texts, span, lines, spec=spec)
