"""What holds for all flags: the freeze, and the pause of what guards do by themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from flags import change
from flags.errors import NotAllowedError
from flags.models import Flag, Proposal
from flags.views.acts import doors
from flags.views.acts.share import radius
from monitoring.console import pages
from monitoring.console.pages import Fact, Question

FREEZE: Final = (
    "Nobody raises, lowers or edits a flag, and plans and proposals wait. Killing still works, and guards still roll "
    "back."
)
THAW: Final = "Flags change again, and plans go on from where they wait."
PAUSE: Final = "Guards and plans go on measuring, and act on nothing: no stage advances and nothing is rolled back."
RESUME: Final = "Plans advance and roll back by themselves again, from the next look on."
ONLY_APPROVERS: Final = "Pausing guards takes a protection away: only people who may approve flags do it."


@doors.door("GET", "POST")
def rollouts_freeze(request: HttpRequest) -> HttpResponse:
    """Asks, then freezes all changes, or ends that."""
    who = doors.admit(request)
    is_frozen = change.flagset().is_frozen
    question = Question(
        title="End the freeze of all flags?" if is_frozen else "Freeze all flags?",
        verb="End the freeze" if is_frozen else "Freeze changes",
        keep="Keep it frozen" if is_frozen else "Keep going",
        back=doors.home(),
        about=THAW if is_frozen else FREEZE,
        facts=_open(),
        outlook=(("Undo", "any time, here"), ("Seen by every process", "within a second")),
    )
    said = "Flags change again." if is_frozen else "All changes are frozen; killing still works."
    return _settle(
        request, question, said, lambda reason, now: change.freeze(not is_frozen, by=who, reason=reason, now=now)
    )


@doors.door("GET", "POST")
def rollouts_guard(request: HttpRequest) -> HttpResponse:
    """Asks, then pauses what guards and plans do by themselves, or ends that."""
    who = doors.admit(request)
    if not who.may_approve:
        raise NotAllowedError(ONLY_APPROVERS)
    is_paused = change.flagset().is_guard_paused
    question = Question(
        title="Let guards act again?" if is_paused else "Pause what guards do by themselves?",
        verb="Let guards act" if is_paused else "Pause guards",
        keep="Keep them paused" if is_paused else "Keep them on guard",
        back=doors.home(),
        about=RESUME if is_paused else PAUSE,
        facts=_open(),
        warning="" if is_paused else "A rollout that does harm goes on until somebody lowers or kills it.",
        outlook=(("Undo", "any time, here"),),
    )
    said = "Guards act again." if is_paused else "Guards are paused: they watch and act on nothing."
    return _settle(
        request, question, said, lambda reason, now: change.pause_guard(not is_paused, by=who, reason=reason, now=now)
    )


def _settle(request: HttpRequest, question: Question, said: str, do: Callable[[str, datetime], object]) -> HttpResponse:
    answer = pages.ask(request, question)
    if isinstance(answer, HttpResponse):
        return answer
    do(answer.reason, timezone.now())
    return pages.done(request, answer.back, said)


def _open() -> tuple[Fact, ...]:
    flags = list(Flag.objects.all())
    partial = sum(0 < flag.share < 100 for flag in flags)
    waiting = Proposal.objects.filter(state=Proposal.State.WAITING).count()
    return (
        Fact("Flags", str(len(flags)), f"{partial} partly on"),
        Fact("Plans", str(radius.open_plans()), "that run or wait"),
        Fact("Proposals", str(waiting), "for a second person"),
    )
