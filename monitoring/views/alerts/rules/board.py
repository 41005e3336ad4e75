"""All rules: where each stands, its last value, and whether it can be judged at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q

from monitoring import alerts
from monitoring.formats import age
from monitoring.models import AlertRule, AlertState, Severity
from monitoring.views.alerts import words
from monitoring.views.alerts.frame import address
from monitoring.views.alerts.words import Mark, counted

MOST = 500
INSTANCES = 50  # of a rule that are looked at
HEALTHY = Mark("Judged", "ok", "check")
UNJUDGED = Mark("Not judged yet", "off", "clock")
PHASES = AlertState.Phase
NEED = (PHASES.FIRING, PHASES.RECOVERING, PHASES.PENDING, PHASES.ERROR, PHASES.NO_DATA, PHASES.NORMAL)


@dataclass(frozen=True, slots=True)
class Row:
    """One rule. `state` is of its worst instance."""

    key: str
    name: str
    title: str
    href: str
    mark: Mark
    fires: str
    value: str
    health: Mark
    fault: str
    switch: str
    switch_words: str
    need: tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Board:
    rows: list[Row]
    about: str
    q: str


def board(q: str, *, now: datetime) -> Board:
    """Those with the text in their title, name or series; those that fire first."""
    found = AlertRule.objects.filter(Q(title__icontains=q) | Q(name__icontains=q) | Q(metric__icontains=q))
    states = Prefetch("states", AlertState.objects.order_by("since"))
    rows = [_row(rule, now) for rule in found.prefetch_related(states).order_by("name")[:MOST]]
    evaluated = alerts.evaluated(now)
    off = sum(row.mark is words.OFF for row in rows)
    said = [f"{len(rows) - off} on", f"{off} off"] if off else [f"{counted(len(rows), 'rule')} on"]
    if evaluated.at:
        said.append(f"evaluated {age(evaluated.age_s)} ago in {evaluated.took_ms:.0f} ms")
    return Board(sorted(rows, key=lambda row: row.need), ", ".join(said), q)


def worst(states: Iterable[AlertState]) -> AlertState | None:
    """The instance that needs somebody most."""
    return min(states, key=lambda state: (NEED.index(PHASES(state.phase)), -_rank(state)), default=None)


def _rank(state: AlertState) -> int:
    return Severity(state.severity).rank if state.severity else -1


def _row(rule: AlertRule, now: datetime) -> Row:
    states: Sequence[AlertState] = list(rule.states.all())[:INSTANCES]
    state = worst(states)
    mark, health, fault = _standing(rule, states, state)
    return Row(
        key=rule.name,
        name=rule.name,
        title=rule.title,
        href=address("alert-rule", {}, rule.pk),
        mark=mark,
        fires=alerts.condition(rule),
        value=_value(rule, states, state),
        health=health,
        fault=fault,
        switch=address("alert-rule-act", {}, rule.pk, "disable" if rule.is_enabled else "enable"),
        switch_words="Switch off" if rule.is_enabled else "Switch on",
        need=(len(NEED) if not rule.is_enabled else _need(state), -_rank(state) if state else 0, rule.name),
    )


def _need(state: AlertState | None) -> int:
    return NEED.index(PHASES(state.phase)) if state else len(NEED) - 1


def _standing(rule: AlertRule, states: Sequence[AlertState], state: AlertState | None) -> tuple[Mark, Mark, str]:
    """Its state, whether it can be judged, and why not."""
    if not rule.is_enabled:
        return words.OFF, Mark("Off", "off", "power"), ""
    if state is None:
        return words.NORMAL, UNJUDGED, ""
    broken = next((each for each in states if each.phase in {PHASES.ERROR, PHASES.NO_DATA}), None)
    health = words.of_state(broken) if broken else HEALTHY
    fault = broken.why if broken else ""
    return _mark(state), health, fault


def _mark(state: AlertState) -> Mark:
    if state.phase == PHASES.FIRING:
        return words.fired(state.severity)
    if state.phase == PHASES.RECOVERING:
        return words.RECOVERING
    return words.PENDING if state.phase == PHASES.PENDING else words.NORMAL


def _value(rule: AlertRule, states: Sequence[AlertState], state: AlertState | None) -> str:
    if state is None or state.value is None:
        return ""
    of = f", worst of {len(states)}" if len(states) > 1 else ""
    return f"{alerts.written(rule, state.value)}{of}"
