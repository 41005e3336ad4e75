"""Is this unit in? The answer, what decided, where its bucket lies, and at which share it would enter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from flags import rollout
from flags.models import Flag, Override, Unit
from flags.rollout import Decision, Why
from flags.views.board import words
from flags.views.board.states import Mark
from flags.views.opened import trail

LONGEST: Final = 200  # characters of a unit
IN: Final = Mark("Exposed", "ok", "check")
OUT: Final = Mark("Control", "off", "off")
NOT_IN: Final = Mark("Off", "off", "off")
TITLES: Final = {
    Unit.USER: ("Is this user in?", "User id"),
    Unit.WORKSPACE: ("Is this workspace in?", "Workspace id"),
    Unit.CONVERSATION: ("Is this conversation in?", "Conversation id"),
    Unit.SERVICE: ("Is this service in?", "Service, such as provider.chat"),
}


@dataclass(frozen=True, slots=True)
class Tester:
    """The form, and the answer where something was asked. `override` is what is set for the unit, None if nothing."""

    title: str
    label: str
    unit: str
    share: str
    answer: Answer | None = None

    @property
    def is_labelled(self) -> bool:
        """Whether the share stands far enough from the ends of the bar to be written below it."""
        return 8 <= float(self.share) <= 88


@dataclass(frozen=True, slots=True)
class Answer:
    mark: Mark
    why: str
    enters: str  # the share at which it is in
    since: str
    override: bool | None


def tester(flag: Flag, share: Decimal, asked: str, *, now: datetime) -> Tester:
    """For the unit that this flag draws; `asked` is what somebody typed."""
    title, label = TITLES[Unit(flag.unit)]
    unit = asked.strip()[:LONGEST]
    if not unit:
        return Tester(title, label, "", words.share(share))
    decision = decided(flag.name, flag.unit, unit, now=now)
    override = Override.objects.filter(flag=flag, unit=unit).values_list("is_on", flat=True).first()
    answer = Answer(
        mark=mark(decision),
        why=why(decision),
        enters=words.share(decision.enters_at) if decision.enters_at is not None else "",
        since=_since(flag, decision, now),
        override=override,
    )
    return Tester(title, label, unit, words.share(share), answer)


def decided(name: str, drawn: str, unit: str, *, now: datetime, workspace: str = "") -> Decision:
    """What this flag says of a unit of the kind that it draws."""
    if drawn == Unit.CONVERSATION:
        return rollout.decide(name, workspace=workspace, conversation=unit, now=now.timestamp())
    space = unit if drawn == Unit.WORKSPACE else workspace
    return rollout.decide(name, unit, workspace=space, now=now.timestamp())


def mark(decision: Decision) -> Mark:
    """Control is who would be in at a higher share; whoever is out for another reason is no control."""
    if decision.is_on:
        return IN
    return OUT if decision.why is Why.SPLIT else NOT_IN


def why(decision: Decision) -> str:
    """What decided, in words."""
    said = {
        Why.PINNED: "the environment pins it",
        Why.OFF: "it is off for everyone",
        Why.ON: "it is on for everyone",
        Why.SCHEDULE: "its time has not come, or is over",
        Why.NEEDS: f"it needs {decision.by}, which is off",
        Why.OVERRIDE: f"an override says always {'in' if decision.is_on else 'out'}",
        Why.RULE: f"rule {decision.by} says {'on' if decision.is_on else 'off'}",
        Why.NO_UNIT: "it draws a unit that was not given",
        Why.UNKNOWN: "no flag has this name",
    }
    if decision.why is not Why.SPLIT:
        return said[decision.why]
    return f"bucket {words.share(decision.enters_at)}" if decision.enters_at is not None else "by its share"


def _since(flag: Flag, decision: Decision, now: datetime) -> str:
    if decision.why is not Why.SPLIT or decision.enters_at is None:
        return ""
    if not decision.is_on:
        return f"in from {words.share(decision.enters_at)} % on"
    since = trail.in_since(flag, decision.enters_at, trail.looked(flag.name))
    return f"in since {words.moment(since, now)}" if since else ""
