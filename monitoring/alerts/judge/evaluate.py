"""Evaluates every rule at a tick, once, whoever else tries: reads in bulk, steps each instance, writes in bulk."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from monitoring.alerts.judge import episodes, write
from monitoring.alerts.judge.episodes import Changes
from monitoring.alerts.judge.machine import NoData, Phase, State, Verdict, step
from monitoring.alerts.judge.measure import Need, Sample, needs, sample, timing
from monitoring.alerts.judge.samples import Samples, known_series
from monitoring.alerts.rules import known
from monitoring.alerts.rules.patterns import instances, is_pattern, label_name
from monitoring.models import Alert, AlertRule, AlertState, Evaluation, Severity

TICK_S: Final = 10
MISSED: Final = 3  # evaluations in a row without its series, after which an instance is forgotten
# What a rule can do that was damaged by hand: no other rule suffers for it.
DAMAGED: Final = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)

# The only row, by its primary key; made where there is none yet.
TAKE_SQL: Final = """
INSERT INTO monitoring_evaluation AS old (id, tick, took_ms, rules, errors) VALUES (%s, %s, 0, 0, 0)
ON CONFLICT (id) DO UPDATE SET tick = excluded.tick WHERE old.tick < excluded.tick
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation did. `instances` have been judged, `errors` rules could not be."""

    tick: int
    rules: int
    instances: int
    errors: int
    fired: int
    resolved: int


@dataclass(slots=True)
class _Round:
    """One evaluation as it goes on."""

    tick: int
    samples: Samples
    changes: Changes
    states: dict[UUID, dict[str, AlertState]]  # by rule and fingerprint
    alerts: dict[UUID | None, Alert]
    gone: list[AlertState] = field(default_factory=list)
    stepped: list[AlertState] = field(default_factory=list)
    errors: set[UUID] = field(default_factory=set)


@dataclass(slots=True)
class Evaluator:
    """Evaluates, and keeps the figures of long windows from one tick to the next."""

    samples: Samples = field(default_factory=Samples)

    def evaluate(self, *, tick: int) -> Report | None:
        """Judges all rules at `tick` (epoch second, a multiple of ten); None where that was done already."""
        if tick % TICK_S:
            raise ValueError(f"alerts are evaluated at multiples of {TICK_S} s, got {tick}")
        began = time.perf_counter()
        with transaction.atomic():
            if not _take(tick):
                return None
            report = self._judge(tick)
            Evaluation.objects.filter(pk=Evaluation.ONLY).update(
                took_ms=1000 * (time.perf_counter() - began), rules=report.rules, errors=report.errors
            )
        return report

    def _judge(self, tick: int) -> Report:
        rules = list(AlertRule.objects.filter(is_enabled=True).order_by("name"))
        slots, kinds = known_series()
        alerts: dict[UUID | None, Alert] = {
            alert.pk: alert for alert in Alert.objects.open().select_for_update().order_by("id")
        }
        states: dict[UUID, dict[str, AlertState]] = {}
        for row in AlertState.objects.select_for_update().order_by("id"):
            states.setdefault(row.rule_id, {})[row.fingerprint] = row
        going = _Round(tick, self.samples, Changes(datetime.fromtimestamp(tick, UTC)), states, alerts)
        plans: dict[UUID, list[str]] = {}
        wanted: set[Need] = set()
        for rule in rules:
            try:
                plans[rule.pk] = _instances(rule, kinds)
                for instance in plans[rule.pk]:
                    wanted.update(needs(rule, instance))
            except DAMAGED as problem:
                _damaged(going, rule, problem)
        self.samples.load(wanted, tick, slots)
        for rule in rules:
            _judge_rule(going, rule, plans.get(rule.pk, []))
        _end_orphans(going, {rule.pk for rule in rules})
        _write(going)
        fired, ended = len(going.changes.fresh), sum(1 for each in going.changes.kept if each.resolved_at)
        return Report(tick, len(rules), len(going.stepped), len(going.errors), fired, ended)


def fingerprint(instance: str) -> str:
    """What tells one instance of a rule from another."""
    return hashlib.sha256(instance.encode()).hexdigest()[:32]


def _take(tick: int) -> bool:
    """Whether this evaluation is ours. The row stays locked until then, so another one waits and finds it done."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE_SQL, [Evaluation.ONLY, tick])
        return bool(cursor.rowcount)


def _instances(rule: AlertRule, kinds: dict[str, str]) -> list[str]:
    if not is_pattern(rule.metric):
        return [""]
    return instances(rule.metric, kinds, known.NEEDED[AlertRule.Measure(rule.measure)])


def _judge_rule(going: _Round, rule: AlertRule, found: list[str]) -> None:
    """One rule's instances. Whatever is wrong with the rule stays its own matter."""
    try:
        judged = (
            [] if rule.pk in going.errors else [(instance, sample(rule, instance, going.samples)) for instance in found]
        )
        for instance, figure in judged:
            _judge_instance(going, rule, instance, figure)
    except DAMAGED as problem:
        _damaged(going, rule, problem)
    if rule.pk in going.errors:
        return
    there = {fingerprint(instance) for instance in found}
    for print_, row in going.states.get(rule.pk, {}).items():
        if print_ not in there:
            _missing(going, row)


def _judge_instance(going: _Round, rule: AlertRule, instance: str, figure: Sample) -> None:
    mark = fingerprint(instance)
    row = going.states.get(rule.pk, {}).get(mark)
    if row is None:
        if instance and figure.value is None:
            return  # it has never been there: nothing is missing
        labels = {label_name(rule.metric): instance} if instance else {}
        row = AlertState(rule=rule, fingerprint=mark, labels=labels, since=going.tick, tick=going.tick - 1)
    elif instance and figure.value is None and rule.no_data != NoData.ALERT:
        row.missed = min(row.missed + 1, MISSED)  # an alert may hold it for weeks
        if row.missed >= MISSED and row.alert_id is None:
            going.gone.append(row)
            return
    if figure.value is not None:
        row.missed = 0
    _step(going, rule, instance, row, figure)


def _step(going: _Round, rule: AlertRule, instance: str, row: AlertState, figure: Sample) -> None:
    state, words = step(state_of(row), figure.verdict, timing(rule), going.tick)
    alert = going.alerts.get(row.alert_id)
    if alert is not None:
        episodes.follow(alert, rule, state, figure, words, going.changes)
        going.changes.kept.append(alert)
    elif state.is_open:
        alert = episodes.begin(rule, instance, row.fingerprint, state, going.changes)
        episodes.follow(alert, rule, state, figure, words, going.changes)
        going.changes.fresh.append(alert)
    row.alert = alert if state.is_open else None
    row.value, row.why = figure.value, figure.why[:200]
    _keep(row, state)
    going.stepped.append(row)


def state_of(row: AlertState) -> State:
    """The pure state in a row."""
    return State(
        since=row.since,
        tick=row.tick,
        phase=Phase(row.phase),
        severity=Severity(row.severity) if row.severity else None,
        clocks={Severity(severity): since for severity, since in row.clocks.items()},
        easing_since=row.easing_since,
        flips=tuple(row.flips),
        is_flapping=row.is_flapping,
    )


def _keep(row: AlertState, state: State) -> None:
    row.since, row.tick, row.phase, row.severity = state.since, state.tick, state.phase, state.severity or ""
    row.clocks = {severity.value: since for severity, since in state.clocks.items()}
    row.easing_since, row.flips, row.is_flapping = state.easing_since, list(state.flips), state.is_flapping


def _missing(going: _Round, row: AlertState) -> None:
    """An instance that its rule's pattern finds no more; after some evaluations it is forgotten, and its alert ends."""
    row.missed = min(row.missed + 1, MISSED)  # an alert may hold it for weeks
    row.tick = going.tick
    if row.missed < MISSED:
        going.stepped.append(row)
        return
    going.gone.append(row)
    if (alert := going.alerts.get(row.alert_id)) is not None:
        episodes.end(alert, "Its series is gone", going.changes)


def _damaged(going: _Round, rule: AlertRule, problem: Exception) -> None:
    """A rule that can't be judged: its instances stay where they are, and say so."""
    logger.warning("event=alert_rule_failed rule=%s error=%s", rule.name, type(problem).__name__)
    going.errors.add(rule.pk)
    told = f"The rule can't be judged: {type(problem).__name__}. Save it again to see what is wrong"
    done = {id(row) for row in going.stepped}
    rows = [row for row in going.states.get(rule.pk, {}).values() if id(row) not in done]
    if not rows and not done & {id(row) for row in going.stepped if row.rule_id == rule.pk}:
        rows = [AlertState(rule=rule, fingerprint=fingerprint(""), since=going.tick, tick=going.tick - 1)]
    for row in rows:
        try:
            figure = Sample(None, Verdict(is_known=False, is_error=True), told)
            _step(going, rule, next(iter(row.labels.values()), ""), row, figure)
        except DAMAGED:
            row.phase, row.why, row.tick = Phase.ERROR, told, going.tick
            going.stepped.append(row)


def _end_orphans(going: _Round, enabled: set[UUID]) -> None:
    """Alerts and states whose rule was deleted or disabled, and alerts that have lost their state."""
    followed = {row.alert_id for row in going.stepped}
    for alert in going.alerts.values():
        if alert.resolved_at is None and alert.pk not in followed:
            reason = "Its series is gone" if alert.rule_id in enabled else "The rule was disabled"
            episodes.end(alert, reason if alert.rule_id else "The rule was deleted", going.changes)
    going.gone += [row for pk, rows in going.states.items() if pk not in enabled for row in rows.values()]


def _write(going: _Round) -> None:
    going.changes.write()
    write.states(going.stepped)
    if going.gone:
        AlertState.objects.filter(pk__in=[row.pk for row in going.gone]).delete()
