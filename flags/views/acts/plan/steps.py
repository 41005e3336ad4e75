"""What people do with a plan that is open: asked first where it widens, instant where it takes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from flags import change, plan
from flags.errors import ConflictError
from flags.models import Flag, RolloutPlan
from flags.plan import StageView, View
from flags.views.acts import doors, sheet
from flags.views.acts.share import radius
from flags.views.acts.sheet import Sheet
from monitoring.console import pages
from monitoring.console.pages import Answer, Choice, Fact, Question
from monitoring.formats import number

ROLLED_BACK: Final = "Rolled back in the console"
NO_PLAN: Final = "{} has no plan that is open. Start one first."


@dataclass(frozen=True, slots=True)
class Asked:
    """One plan, as it stands, and what somebody wants of it."""

    flag: Flag
    view: View
    now: datetime
    back: str
    number: int | None = None  # of the stage to jump to

    @property
    def here(self) -> str:
        return doors.percent(self.flag.share)

    @property
    def goal(self) -> StageView | None:
        """The stage to go to, None after the last."""
        wanted = self.number or self.view.number + 1
        return next((stage for stage in self.view.stages if stage.number == wanted), None)


Do = Callable[..., RolloutPlan]


@dataclass(frozen=True, slots=True)
class Act:
    """`said` is of the message afterwards."""

    question: Callable[[Asked], Question]
    do: Do
    said: str


@doors.door("GET", "POST")
def rollout_act(request: HttpRequest, name: str, act: str) -> HttpResponse:
    """Asks, then holds, resumes, advances, jumps or ends; rolling back needs no question."""
    if act not in ACTS and act != "roll-back":
        raise Http404(act)
    flag = doors.found(name)
    who = doors.admit(request, flag)
    asked = _asked(request, flag)
    if act == "roll-back":
        return _roll_back(request, asked, who)
    wanted = ACTS[act]
    answer = pages.ask(request, wanted.question(asked))
    if isinstance(answer, HttpResponse):
        return answer
    done = wanted.do(name, *_number(asked, answer, act), by=who, reason=answer.reason, now=asked.now)
    if done.state == RolloutPlan.State.ASKING:
        return pages.done(request, answer.back, f"{name}: {done.said}")
    return pages.done(request, answer.back, wanted.said.format(name, doors.percent(done.flag.share)))


def _asked(request: HttpRequest, flag: Flag) -> Asked:
    found = plan.open_plan(flag.pk)
    if found is None:
        raise ConflictError(NO_PLAN.format(flag.name))
    now = timezone.now()
    said = request.GET.get("number", "")
    wanted = int(said) if said.isascii() and said.isdigit() and len(said) < 4 else None
    return Asked(flag, plan.standing(found, now=now), now, doors.home(flag.name), wanted)


def _number(asked: Asked, answer: Answer, act: str) -> tuple[int, ...]:
    if act != "jump":
        return ()
    return (asked.number if asked.number is not None else int(answer.chosen["number"]),)


def _roll_back(request: HttpRequest, asked: Asked, who: change.Person) -> HttpResponse:
    name = asked.flag.name
    if request.method != "POST":
        return sheet.shown(
            request,
            Sheet(
                title="Roll back",
                subject=name,
                about=f"Ends the rollout and takes away what it gave: it is at {asked.here} now.",
                verb="Roll back",
                keep=f"Keep {asked.here}",
                back=doors.back(request, name),
                fields=(sheet.optional_reason(),),
                icon="restore",
                is_danger=True,
            ),
        )
    reason = doors.with_default(request, ROLLED_BACK)
    done = plan.roll_back(name, by=who, reason=reason, now=asked.now)
    text = format_html(
        '{} is rolled back to {}. <a href="{}">Start again</a>',
        name,
        doors.percent(done.flag.share),
        reverse("rollout-plan", args=[name]),
    )
    return pages.done(request, doors.back(request, name), text)


def _facts(asked: Asked) -> tuple[Fact, ...]:
    view = asked.view
    stage = f"{view.number} of {len(view.stages)}" if view.number else f"none of {len(view.stages)} yet"
    return (
        Fact("Stage", stage, asked.here),
        Fact("Exposed", number(view.exposed.units), f"{number(view.exposed.requests)} requests in this stage"),
        Fact("Control", number(view.control.units), f"{number(view.control.requests)} requests in this stage"),
    )


def _hold(asked: Asked) -> Question:
    return Question(
        title="Hold the rollout of",
        subject=asked.flag.name,
        verb="Hold",
        keep="Let it go on",
        back=asked.back,
        about=f"It stays at {asked.here} until somebody resumes it. The guard still rolls back what does harm.",
        facts=_facts(asked),
        outlook=(("Resume", "any time, here"),),
        icon="pause",
    )


def _resume(asked: Asked) -> Question:
    causes = ", ".join(asked.view.causes)
    return Question(
        title="Resume the rollout of",
        subject=asked.flag.name,
        verb="Resume",
        keep="Keep it held",
        back=asked.back,
        about=asked.view.said,
        facts=_facts(asked),
        warning=f"You accept what holds it: {causes}. The guard goes on in spite of it." if causes else "",
        outlook=(("If it does harm", "the guard still rolls it back"),),
        icon="play",
    )


def _advance(asked: Asked) -> Question:
    goal = asked.goal
    if goal is None:
        return replace(_moves(asked, None), title="Complete the rollout of", verb="Complete it")
    return replace(
        _moves(asked, goal), title="Advance the rollout of", verb=f"Advance to {doors.percent(goal.percent)}"
    )


def _jump(asked: Asked) -> Question:
    if asked.number is not None and asked.goal is not None:
        goal = asked.goal
        verb = f"Jump to {doors.percent(goal.percent)}"
        return replace(_moves(asked, goal), title="Jump in the rollout of", verb=verb)
    options = tuple(
        (str(stage.number), f"Stage {stage.number}, {doors.percent(stage.percent)}")
        for stage in asked.view.stages
        if stage.number != asked.view.number
    )
    choice = Choice("number", "To which stage", options)
    return replace(_moves(asked, None), title="Jump in the rollout of", verb="Jump", choices=(choice,))


def _moves(asked: Asked, goal: StageView | None) -> Question:
    """What all steps ask: what the step does to whom, and what this stage has not shown yet."""
    facts, note = _facts(asked), ""
    if goal is not None:
        blast = change.blast(asked.flag.name, goal.percent, now=asked.now)
        facts = radius.facts(asked.flag, blast)
        note = radius.note(asked.flag, blast)
    here = next((stage for stage in asked.view.stages if stage.number == asked.view.number), None)
    unproved = here is not None and not here.is_certified and (goal is None or goal.number > here.number)
    return Question(
        title="",
        subject=asked.flag.name,
        verb="",
        keep=f"Keep {asked.here}",
        back=asked.back,
        about=f"{asked.view.soaked}. {note}".strip(". ") + ".",
        facts=facts,
        warning="This stage is not proved safe yet: the guard would wait." if unproved else "",
        outlook=(("If it does harm", "the guard still rolls it back"), ("Undo", "jump back, or roll back")),
    )


def _end(asked: Asked) -> Question:
    return Question(
        title="End the rollout of",
        subject=asked.flag.name,
        verb="End the plan",
        keep="Let it go on",
        back=asked.back,
        about=f"It stays at {asked.here}, and no guard watches it any more.",
        facts=_facts(asked),
        outlook=(("Undo", "start another plan"),),
        icon="x",
    )


ACTS: Final = {
    "hold": Act(_hold, plan.hold, "The rollout of {} is held at {}."),
    "resume": Act(_resume, plan.resume, "The rollout of {} goes on at {}."),
    "advance": Act(_advance, plan.advance, "The rollout of {} is at {} now."),
    "jump": Act(_jump, plan.jump, "The rollout of {} is at {} now."),
    "end": Act(_end, plan.end, "The plan of {} has ended; the flag stays at {}."),
}
