"""The state machine, against a model that looks at the whole history each time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.alerts.judge.machine import (
    FLAPPING_FROM,
    FLAPPING_S,
    GROWTH,
    HOUR_S,
    NoData,
    Phase,
    State,
    Timing,
    Verdict,
    Word,
    keep_s,
    step,
)
from monitoring.models import Severity

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
CLEAR, BETWEEN = Verdict(), Verdict(None, WARNING)
CROSSED, WORSE = Verdict(WARNING, WARNING), Verdict(CRITICAL, CRITICAL)
UNKNOWN, BROKEN = Verdict(is_known=False), Verdict(is_known=False, is_error=True)


def timing(for_s: int = 0, keep: int = 0, no_data: NoData = NoData.OK) -> Timing:
    return Timing(for_s, keep, no_data, WARNING)


def go(verdicts: list[Verdict], how: Timing, state: State | None = None) -> tuple[State, list[tuple[Word, ...]]]:
    """A verdict every ten seconds."""
    state = state or State(since=0, tick=0)
    said = []
    for verdict in verdicts:
        state, words = step(state, verdict, how, state.tick + 10)
        said.append(words)
    return state, said


def test_it_waits_before_it_fires_and_before_it_resolves() -> None:
    state, said = go([CROSSED, CROSSED, CROSSED, CLEAR, CLEAR, CLEAR], timing(for_s=20, keep=20))
    assert said == [(Word.PENDING,), (), (Word.FIRED,), (Word.RECOVERING,), (), (Word.RESOLVED,)]
    assert state.phase is Phase.NORMAL


def test_what_is_crossed_for_a_moment_does_not_fire() -> None:
    assert go([CROSSED, CLEAR, CROSSED, CLEAR], timing(for_s=20))[1] == [(Word.PENDING,), (Word.CALM,)] * 2


def test_between_the_thresholds_an_alert_goes_on_and_none_begins() -> None:
    assert go([BETWEEN, BETWEEN], timing())[0].phase is Phase.NORMAL
    assert go([CROSSED, BETWEEN, BETWEEN], timing())[0].phase is Phase.FIRING


def test_an_alert_rises_and_falls_through_the_severities_in_place() -> None:
    state, said = go([CROSSED, WORSE, WORSE, WORSE, CROSSED, CROSSED, CROSSED], timing(for_s=20, keep=20))
    assert said == [(Word.PENDING,), (), (Word.FIRED,), (Word.ROSE,), (), (), (Word.FELL,)]
    assert state.severity is WARNING


def test_crossing_again_while_it_recovers_is_the_same_alert() -> None:
    state, said = go([CROSSED, CLEAR, CROSSED], timing(keep=60))
    assert said == [(Word.FIRED,), (Word.RECOVERING,), (Word.AGAIN,)]
    assert state.phase is Phase.FIRING


@pytest.mark.parametrize(
    ("policy", "before", "phase"),
    [
        (NoData.ALERT, CLEAR, Phase.FIRING),
        (NoData.KEEP, CLEAR, Phase.NO_DATA),
        (NoData.KEEP, CROSSED, Phase.FIRING),
        (NoData.OK, CLEAR, Phase.NO_DATA),
        (NoData.OK, CROSSED, Phase.NORMAL),
    ],
)
def test_without_data_the_policy_decides(policy: NoData, before: Verdict, phase: Phase) -> None:
    assert go([before, UNKNOWN], timing(no_data=policy))[0].phase is phase


def test_an_error_neither_resolves_nor_hides() -> None:
    assert go([CROSSED, BROKEN], timing())[0].phase is Phase.FIRING
    assert go([CLEAR, BROKEN], timing())[0].phase is Phase.ERROR


def test_the_same_evaluation_twice_changes_nothing() -> None:
    state, _ = go([CROSSED], timing(for_s=60))
    assert step(state, CLEAR, timing(), state.tick) == (state, ())


def test_after_a_long_pause_the_clock_begins_anew() -> None:
    state, _ = go([CROSSED], timing(for_s=60))
    later, words = step(state, CROSSED, timing(for_s=60), state.tick + HOUR_S + 10)
    assert (later.phase, words) == (Phase.PENDING, ())
    short, words = step(state, CROSSED, timing(for_s=60), state.tick + HOUR_S)
    assert (short.phase, words) == (Phase.FIRING, (Word.FIRED,))


def test_what_flaps_says_so_once_and_takes_longer_and_longer_to_resolve() -> None:
    state, said = go([CROSSED, CLEAR] * 40, timing())
    words = [word for some in said for word in some]
    assert words.count(Word.FLAPPING) == 1
    assert words.count(Word.FIRED) == FLAPPING_FROM
    assert keep_s(state, timing()) == HOUR_S
    calm, said = go([CLEAR] * (2 * HOUR_S // 10), timing(), state)
    words = [word for some in said for word in some]
    assert sorted(words) == [Word.RESOLVED, Word.STEADY]
    assert (calm.phase, calm.is_flapping, calm.flips) == (Phase.NORMAL, False, ())


@dataclass
class Model:
    """Remembers everything and reasons anew at each moment. One severity, no policy but OK."""

    how: Timing
    history: list[tuple[int, Verdict]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    is_open: bool = False
    is_recovering: bool = False
    is_flapping: bool = False

    def meet(self, verdict: Verdict, now: int) -> None:
        self.history.append((now, verdict))
        recent = [at for at in self.starts if at > now - HOUR_S]
        self.is_flapping = self.is_flapping and len(recent) > FLAPPING_FROM // 2
        if not self.is_open or self.is_recovering:
            crossed = self.since(lambda each: each.fires is not None)
            holds = verdict.holds is not None
            if (not self.is_open and crossed is not None and now - crossed >= self.how.for_s) or (
                self.is_open and holds
            ):
                self.is_open, self.is_recovering = True, False
                self.starts.append(now)
                recent.append(now)
                self.is_flapping = self.is_flapping or len(recent) >= FLAPPING_FROM
        if self.is_open:
            cleared = self.since(lambda each: each.holds is None)
            self.is_recovering = cleared is not None
            base = max(self.how.keep_s, FLAPPING_S) if self.is_flapping else self.how.keep_s
            wait = max(self.how.keep_s, min(base * GROWTH ** max(0, len(recent) - 1), HOUR_S))
            if cleared is not None and now - cleared >= wait:
                self.is_open = self.is_recovering = False

    def since(self, holds: object) -> int | None:
        """Since when it has been so without a break."""
        found = None
        for at, verdict in reversed(self.history):
            if not holds(verdict):  # type: ignore[operator]
                break
            found = at
        return found


@settings(max_examples=80)
@given(
    verdicts=st.lists(st.sampled_from([CLEAR, BETWEEN, CROSSED]), max_size=120),
    for_s=st.sampled_from([0, 10, 30]),
    keep=st.sampled_from([0, 10, 40]),
)
def test_it_does_what_a_model_does_that_remembers_everything(verdicts: list[Verdict], for_s: int, keep: int) -> None:
    how = timing(for_s, keep)
    model, state = Model(how), State(since=0, tick=0)
    for now, verdict in enumerate(verdicts, start=1):
        state, words = step(state, verdict, how, 10 * now)
        model.meet(verdict, 10 * now)
        assert (state.is_open, state.is_flapping) == (model.is_open, model.is_flapping), (now, words)
        if state.is_open:
            assert (state.phase is Phase.RECOVERING) == model.is_recovering


@settings(max_examples=60)
@given(
    verdicts=st.lists(st.sampled_from([CLEAR, BETWEEN, CROSSED, WORSE, UNKNOWN, BROKEN]), max_size=80),
    policy=st.sampled_from(list(NoData)),
    cut=st.integers(0, 80),
)
def test_what_begins_ends_and_a_restart_changes_nothing(verdicts: list[Verdict], policy: NoData, cut: int) -> None:
    how = timing(20, 30, policy)
    state, said = go(verdicts, how)
    fired = [word for some in said for word in some if word in {Word.FIRED, Word.RESOLVED}]
    assert fired == [Word.FIRED, Word.RESOLVED] * (len(fired) // 2) + [Word.FIRED] * (len(fired) % 2)
    assert state.is_open == (len(fired) % 2 == 1) == (state.severity is not None)
    first, _ = go(verdicts[:cut], how)
    assert go(verdicts[cut:], how, replace(first, clocks=dict(first.clocks)))[0] == state
