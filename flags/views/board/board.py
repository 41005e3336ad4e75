"""The list: which flags, in which order, and what is said above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from flags import change
from flags.cohorts import read as cohorts
from flags.cohorts.read import Hour
from flags.models import Flagset, Proposal
from flags.views.board import states, words
from flags.views.board.gather import gather, latest
from flags.views.board.row import Rights, Row, address, row
from flags.views.board.states import Standing

PAGE: Final = 100
PROPOSALS: Final = 20
LONGEST: Final = 100  # characters that are looked for


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page's URL says. `kept` is what it says besides: the range, the zone."""

    q: str = ""
    opened: str = ""
    page: int = 0  # from 1; 0 is the one that the open flag is on
    kept: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, query: Mapping[str, str], kept: Mapping[str, str]) -> Asked:
        number = query.get("page", "")
        return cls(
            q=query.get("q", "").strip()[:LONGEST].lower(),
            opened=query.get("open", "")[:LONGEST],
            page=int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0,
            kept=kept,
        )

    @property
    def state(self) -> dict[str, str]:
        return {**self.kept, "q": self.q, "page": str(self.page) if self.page > 1 else ""}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A raise that waits for a second person; each of the two answers with why it can't be given, if it can't."""

    proposal: Proposal
    unapprovable: str
    unrefusable: str

    @property
    def share(self) -> str:
        percent = self.proposal.edit.get("percent")
        return words.share(percent) if percent is not None else ""


@dataclass(frozen=True, slots=True)
class Board:
    """`total` counts all flags, `found` those that were looked for."""

    rows: list[Row]
    about: str
    total: int
    found: int
    flagset: Flagset
    waiting: Sequence[Waiting]
    rights: Rights
    asked: Asked

    @property
    def older(self) -> str:
        """The page after this one, "" where this is the last."""
        more = self.found > self.asked.page * PAGE
        return address(self.asked.state | {"page": str(self.asked.page + 1)}) if more else ""

    @property
    def newer(self) -> str:
        return address(self.asked.state | {"page": str(self.asked.page - 1)}) if self.asked.page > 1 else ""

    @property
    def everything(self) -> str:
        return address(dict(self.asked.kept))


def board(asked: Asked, rights: Rights, *, now: datetime) -> Board:
    """Those whose name, note or owner has the text; what needs somebody first."""
    every = gather()
    found = [standing for standing in every if fits(standing, asked.q)]
    found.sort(key=lambda standing: states.need(states.mark(standing, now=now), standing.flag.name))
    hours, flagset = cohorts.last_hour(now), change.flagset()
    asked = replace(asked, page=asked.page or page_of(asked.opened, found))
    shown = found[(asked.page - 1) * PAGE : asked.page * PAGE]
    return Board(
        rows=[of(standing, hours, flagset, rights, asked, now=now) for standing in shown],
        about=about(every, now=now),
        total=len(every),
        found=len(found),
        flagset=flagset,
        waiting=waiting(rights, now=now),
        rights=rights,
        asked=asked,
    )


def of(
    standing: Standing, hours: Mapping[str, Hour], flagset: Flagset, rights: Rights, asked: Asked, *, now: datetime
) -> Row:
    hour = hours.get(standing.flag.name)
    return row(standing, hour, flagset, rights, state=asked.state, opened=asked.opened, now=now)


def page_of(name: str, found: Sequence[Standing]) -> int:
    """The page that this flag is on, else the first."""
    return next((at for at, standing in enumerate(found) if standing.flag.name == name), 0) // PAGE + 1


def fits(standing: Standing, text: str) -> bool:
    flag = standing.flag
    return any(text in part.lower() for part in (flag.name, flag.note or "", flag.owner))


def waiting(rights: Rights, *, now: datetime) -> list[Waiting]:
    """What a second person has to say yes or no to, the oldest first."""
    open_ = Proposal.objects.filter(state=Proposal.State.WAITING, expires_at__gt=now)
    return [
        Waiting(each, rights.barred_from(each, is_yes=True), rights.barred_from(each, is_yes=False))
        for each in open_.select_related("flag").order_by("at")[:PROPOSALS]
    ]


def about(every: Sequence[Standing], *, now: datetime) -> str:
    """5 flags, 1 rolled back at 14:09: how many there are, and what needs somebody."""
    said = [f"{len(every)} flag{'' if len(every) == 1 else 's'}" if every else "no flag exists yet"]
    marks = [states.mark(standing, now=now) for standing in every]
    backs = [each for each, mark in zip(every, marks, strict=True) if mark is states.ROLLED_BACK]
    if backs:
        ended = [each.plan.ended_at for each in backs if each.plan and each.plan.ended_at]
        is_guards = all((latest(each.flag) or {}).get("actor") == change.GUARD.name for each in backs)
        by = " by its guard" if is_guards and len(backs) == 1 else " by their guards" if is_guards else ""
        said.append(f"{len(backs)} rolled back{by}{f' at {words.moment(max(ended), now)}' if ended else ''}")
    for mark, text in ((states.ASKING, "needs a decision"), (states.HELD, "held"), (states.KILLED, "killed")):
        if count := marks.count(mark):
            said.append(f"{count} {text}")
    return ", ".join(said)
