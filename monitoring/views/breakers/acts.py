"""What an operator may do to a breaker: the question that is asked first, and the deed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring import breakers
from monitoring.breakers import View
from monitoring.console.pages import Answer, Choice, Fact, Question
from monitoring.formats import duration, number

HOW_LONG = Choice(
    name="hours",
    label="For how long",
    options=(("1", "1 hour"), ("4", "4 hours"), ("24", "24 hours"), ("0.25", "15 minutes")),
    hint="It ends by itself, and the breaker decides again.",
)


@dataclass(frozen=True, slots=True)
class Act:
    """`words` are of the button, `said` of the message afterwards."""

    words: str
    about: str
    said: str
    do: Callable[[View, Answer, datetime], None]
    lasts: bool = True
    is_danger: bool = False


def _until(answer: Answer, now: datetime) -> datetime:
    return now + timedelta(hours=float(answer.chosen["hours"]))


def _open(view: View, answer: Answer, now: datetime) -> None:
    breakers.force_open(view.name, actor=answer.actor, reason=answer.reason, until=_until(answer, now), now=now)


def _disable(view: View, answer: Answer, now: datetime) -> None:
    breakers.disable(view.name, actor=answer.actor, reason=answer.reason, until=_until(answer, now), now=now)


def _reset(view: View, answer: Answer, now: datetime) -> None:
    breakers.reset(view.name, actor=answer.actor, reason=answer.reason, now=now)


def _end(view: View, answer: Answer, now: datetime) -> None:
    breakers.end_override(view.name, actor=answer.actor, reason=answer.reason, now=now)


ACTS = {
    "open": Act(
        "Force open", "Every call is refused, in all processes, whatever the dependency does.", "is forced open", _open,
        is_danger=True,
    ),
    "disable": Act("Disable", "Calls go through and are counted, and nothing trips.", "is disabled", _disable),
    "reset": Act("Reset", "It closes now and forgets what it has counted.", "was reset", _reset, lasts=False),
    "end": Act("End override", "The breaker decides by itself again.", "decides by itself again", _end, lasts=False),
}  # fmt: skip


def question(view: View, act: Act, *, back: str) -> Question:
    """What is asked before `act`: what changes for the calls of this dependency."""
    calls = view.ok + view.failed + view.rejected
    window = duration(view.policy.window_s)
    return Question(
        title=act.words,
        subject=view.title,
        verb=act.words,
        keep="Leave it as it is",
        back=back,
        about=act.about,
        facts=(
            Fact("Calls", number(calls), f"in the last {window}"),
            Fact("Failed", number(view.failed), f"of {number(view.ok + view.failed)} that were made"),
            Fact("While open", view.fallback_text or "calls are refused"),
        ),
        choices=(HOW_LONG,) if act.lasts else (),
        outlook=(("Undo", "any time, here"), ("Seen by every process", "within a second")),
        is_danger=act.is_danger,
    )
