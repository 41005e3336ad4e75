"""The state machine of one instance, as a pure function: state, verdict and time in; state and what happened out.

NORMAL → PENDING (crossed) → FIRING (for long enough) → RECOVERING (clear again) → NORMAL (for long enough). One
instance rises and falls through the severities in place. Every time that it begins to fire within an hour makes it
slower to resolve (Netdata's `delay down … multiplier`); from the fifth on it is flapping.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from monitoring.models import AlertRule, AlertState, Severity

Phase = AlertState.Phase
NoData = AlertRule.NoData

SEVERITIES: Final = tuple(Severity)  # the mildest first
HOUR_S: Final = 3600
GROWTH: Final = 1.5  # of the time that it takes to resolve, by each time that it fired in the last hour
FLAPPING_FROM: Final = 5  # times in an hour
FLAPPING_S: Final = 60  # what the time to resolve grows from where a rule has none
GAP_S: Final = HOUR_S  # after a longer pause of evaluation nobody knows whether it was crossed all the time


class Word(StrEnum):
    """What happened at a step."""

    PENDING = "pending"
    CALM = "calm"  # pending no more, without having fired
    FIRED = "fired"
    ROSE = "rose"
    FELL = "fell"
    RECOVERING = "recovering"
    AGAIN = "again"  # fires again before it had resolved
    RESOLVED = "resolved"
    FLAPPING = "flapping"
    STEADY = "steady"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the figures say: the worst severity whose fire threshold is crossed, and the worst that is not clear yet.

    `is_known` is False without data or after an error.
    """

    fires: Severity | None = None
    holds: Severity | None = None
    is_known: bool = True
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """How a rule wants it."""

    for_s: int
    keep_s: int
    no_data: NoData
    mildest: Severity  # what it fires with for want of data


@dataclass(frozen=True, slots=True)
class State:
    """Where an instance stands. Times are epoch seconds; `clocks` tell since when at least that is crossed."""

    since: int
    tick: int
    phase: Phase = Phase.NORMAL
    severity: Severity | None = None
    clocks: Mapping[Severity, int] = field(default_factory=dict)
    easing_since: int | None = None
    flips: tuple[int, ...] = ()
    is_flapping: bool = False

    @property
    def is_open(self) -> bool:
        """Whether there is an alert."""
        return self.phase is Phase.FIRING or self.phase is Phase.RECOVERING

    def at(self, tick: int) -> State:
        """The same as of another evaluation. A third of the time of `replace`: this is done at each one."""
        return State(
            self.since, tick, self.phase, self.severity, self.clocks, self.easing_since, self.flips, self.is_flapping
        )

    def is_like(self, other: State) -> bool:
        """Whether they differ in nothing but when they were evaluated."""
        return (
            self.phase is other.phase
            and (self.since, self.severity, self.easing_since) == (other.since, other.severity, other.easing_since)
            and (self.flips, self.is_flapping, self.clocks) == (other.flips, other.is_flapping, other.clocks)
        )


def step(state: State, verdict: Verdict, timing: Timing, now: int) -> tuple[State, tuple[Word, ...]]:
    """The state after an evaluation at `now`, and what happened. An evaluation of the past changes nothing."""
    if now <= state.tick:
        return state, ()
    if now - state.tick > GAP_S:
        state = replace(state, clocks={}, easing_since=None)
    state, words = _calmed(state.at(now), now)
    if not verdict.is_known:
        if timing.no_data is NoData.KEEP or (verdict.is_error and state.is_open):
            return _kept(state, verdict, now), words
        is_bad = timing.no_data is NoData.ALERT
        known = Verdict(timing.mildest, timing.mildest) if is_bad else Verdict()
        verdict = replace(verdict, fires=known.fires, holds=known.holds)
    if (clocks := _clocks(state, verdict, now)) != state.clocks:
        state = replace(state, clocks=clocks)
    moved, more = _open(state, verdict, timing, now) if state.is_open else _quiet(state, verdict, timing, now)
    return moved, (*words, *more)


def wakes_at(state: State, timing: Timing) -> float:
    """The earliest second after `state.tick` at which time alone may change it; infinite where none does.

    For a state that the last verdict has left as it was: until then the same verdict changes nothing again, if the
    evaluations between are not more than GAP_S apart.
    """
    turns = [since + timing.for_s for since in state.clocks.values()]
    turns += [at + HOUR_S for at in state.flips]
    if state.easing_since is not None:
        turns.append(state.easing_since + math.ceil(keep_s(state, timing)))
    return min((turn for turn in turns if turn > state.tick), default=math.inf)


def _calmed(state: State, now: int) -> tuple[State, tuple[Word, ...]]:
    """Forget what is older than an hour."""
    if not state.flips or (state.flips[0] > now - HOUR_S and not state.is_flapping):
        return state, ()
    flips = tuple(at for at in state.flips if at > now - HOUR_S)
    is_flapping = state.is_flapping and len(flips) > FLAPPING_FROM // 2
    words = (Word.STEADY,) if state.is_flapping and not is_flapping else ()
    return replace(state, flips=flips, is_flapping=is_flapping), words


def _kept(state: State, verdict: Verdict, now: int) -> State:
    """Nothing is known, and the last state goes on; where there is no alert, the phase says why nothing is known."""
    if state.is_open or state.phase is Phase.PENDING:
        return state
    return _in(state, Phase.ERROR if verdict.is_error else Phase.NO_DATA, now)


def _clocks(state: State, verdict: Verdict, now: int) -> dict[Severity, int]:
    crossed = SEVERITIES[: SEVERITIES.index(verdict.fires) + 1] if verdict.fires else ()
    return {each: state.clocks.get(each, now) for each in crossed}


def _raised(state: State, timing: Timing, now: int) -> Severity | None:
    """The worst severity that is crossed for long enough."""
    ripe = [severity for severity, since in state.clocks.items() if now - since >= timing.for_s]
    return max(ripe, key=lambda severity: severity.rank, default=None)


def _quiet(state: State, verdict: Verdict, timing: Timing, now: int) -> tuple[State, tuple[Word, ...]]:
    """From a state without an alert."""
    raised = _raised(state, timing, now)
    if raised is not None:
        return _fire(replace(state, severity=raised), Word.FIRED, now)
    was_pending = state.phase is Phase.PENDING
    if state.clocks:
        return _in(state, Phase.PENDING, now), () if was_pending else (Word.PENDING,)
    phase = Phase.NORMAL if verdict.is_known else Phase.ERROR if verdict.is_error else Phase.NO_DATA
    calm = state if state.severity is None else replace(state, severity=None)
    return _in(calm, phase, now), (Word.CALM,) if was_pending else ()


def _open(state: State, verdict: Verdict, timing: Timing, now: int) -> tuple[State, tuple[Word, ...]]:
    """From a state with an alert."""
    assert state.severity is not None
    raised = _raised(state, timing, now)
    words: tuple[Word, ...] = ()
    if raised is not None and raised.rank > state.severity.rank:
        state, words = replace(state, severity=raised, easing_since=None), (Word.ROSE,)
    if verdict.holds is None:
        return _recover(state, words, timing, now)
    if state.phase is Phase.RECOVERING:
        state, again = _fire(replace(state, easing_since=None), Word.AGAIN, now)
        words = (*again, *words)
    assert state.severity is not None
    if verdict.holds.rank >= state.severity.rank:
        return _easing(state, None), words
    since = now if state.easing_since is None else state.easing_since
    if now - since < keep_s(state, timing):
        return _easing(state, since), words
    return replace(state, severity=verdict.holds, easing_since=None), (*words, Word.FELL)


def _recover(state: State, words: tuple[Word, ...], timing: Timing, now: int) -> tuple[State, tuple[Word, ...]]:
    if state.phase is Phase.FIRING:
        state = replace(_in(state, Phase.RECOVERING, now), easing_since=now)
        words = (*words, Word.RECOVERING)
    since = now if state.easing_since is None else state.easing_since  # a long pause took the clock
    if now - since < keep_s(state, timing):
        return _easing(state, since), words
    calm = replace(_in(state, Phase.NORMAL, now), severity=None, easing_since=None)
    return calm, (*words, Word.RESOLVED)


def keep_s(state: State, timing: Timing) -> float:
    """How long it must be clear before it resolves: longer each time that it fired within the last hour."""
    base = max(timing.keep_s, FLAPPING_S) if state.is_flapping else timing.keep_s
    times = max(0, len(state.flips) - 1)
    return max(timing.keep_s, min(base * GROWTH**times, HOUR_S))


def _fire(state: State, word: Word, now: int) -> tuple[State, tuple[Word, ...]]:
    flips = (*state.flips, now)
    is_flapping = state.is_flapping or len(flips) >= FLAPPING_FROM
    words = (word,) if is_flapping is state.is_flapping else (word, Word.FLAPPING)
    return replace(_in(state, Phase.FIRING, now), flips=flips, is_flapping=is_flapping), words


def _in(state: State, phase: Phase, now: int) -> State:
    return state if state.phase is phase else replace(state, phase=phase, since=now)


def _easing(state: State, since: int | None) -> State:
    return state if state.easing_since == since else replace(state, easing_since=since)
