"""The alerts that a course would have made: the machine that judges the present, from one change to the next."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from monitoring.alerts.judge.machine import SEVERITIES, State, Timing, Verdict, Word, step, wakes_at
from monitoring.alerts.judge.measure import timing
from monitoring.alerts.past.course import Course
from monitoring.models import AlertRule, Severity


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that there would have been; `end` is None where it would still fire."""

    start: datetime
    end: datetime | None
    peak: float | None
    severity: Severity
    instance: str = ""


def replay(rule: AlertRule, instance: str, course: Course, since: int) -> tuple[Fired, ...]:
    """The alerts of one instance, the oldest first. `since` is the epoch second before which nothing is known."""
    found: list[Fired] = []
    first, severity = -1, Severity.INFO
    for place, state, words in _turns(course, timing(rule), State(since=since, tick=since)):
        if Word.FIRED in words and state.severity is not None:
            first, severity = place, state.severity
        elif first >= 0:
            severity = max(severity, state.severity or severity, key=lambda each: each.rank)
            if Word.RESOLVED in words:
                found.append(_fired(rule, instance, course, first, place, severity))
                first = -1
    if first >= 0:
        lasting = _fired(rule, instance, course, first, len(course.seconds) - 1, severity)
        found.append(replace(lasting, end=None))
    return tuple(found)


def _turns(course: Course, wanted: Timing, state: State) -> Iterator[tuple[int, State, tuple[Word, ...]]]:
    """Each place at which something changes, what then is, and what happened.

    A month has 43,200 minutes, of which few change anything: where one has not, neither does the next like it, until
    its time has come. So it goes on there.
    """
    seconds: list[int] = course.seconds.tolist()
    verdicts, runs = _verdicts(course)
    place = run = 0
    while place < len(seconds):
        while runs[run] <= place:
            run += 1
        before = state
        state, words = step(state, verdicts[run], wanted, seconds[place])
        if words or not state.is_like(before):
            yield place, state, words
            place += 1
            continue
        place = max(place + 1, min(runs[run], bisect_left(seconds, wakes_at(state, wanted))))
        state = state.at(seconds[place - 1])


def _verdicts(course: Course) -> tuple[list[Verdict], list[int]]:
    """The verdicts that follow one another, and behind which place each ends."""
    known = ~np.isnan(course.values)
    lines = np.stack([known, course.fires, course.holds], axis=1)
    ends = np.append(np.flatnonzero((np.diff(lines, axis=0) != 0).any(axis=1)) + 1, len(lines))
    rows = lines[ends - 1].tolist() if len(lines) else []
    severity = (*SEVERITIES, None)  # the last is what rank -1 finds
    return [
        Verdict(severity[fires], severity[holds], is_known=bool(known)) for known, fires, holds in rows
    ], ends.tolist()


def _fired(rule: AlertRule, instance: str, course: Course, first: int, last: int, severity: Severity) -> Fired:
    """The alert that fired at one place and had resolved at another."""
    values = course.values[first : last + 1]
    worst = np.fmax if rule.comparison == AlertRule.Comparison.ABOVE else np.fmin
    peak = float(worst.reduce(values))
    start, end = (datetime.fromtimestamp(int(course.seconds[place]), UTC) for place in (first, last))
    return Fired(start, end, None if np.isnan(peak) else peak, severity, instance)
