"""A line of the list: one flag, what it does to whom, and what may be done to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from flags import catalog
from flags.cohorts.read import Hour
from flags.models import Flag, Flagset, Proposal
from flags.views.board import guarded, states, words
from flags.views.board.gather import latest
from flags.views.board.states import Mark, Standing
from flags.views.board.stops import Stops, drawn, stops

KEPT: Final = 500  # lines, of some kilobytes each


@dataclass(frozen=True, slots=True)
class Rights:
    """What the person who looks may do."""

    name: str
    may_change: bool
    may_approve: bool
    is_staff: bool = False

    @classmethod
    def of(cls, user: Any) -> Rights:
        may_change, may_approve = (user.has_perm(f"flags.{verb}_flag") for verb in ("change", "approve"))
        return cls(user.get_username(), may_change, may_approve, user.is_staff)

    def barred_from(self, proposal: Proposal, *, is_yes: bool) -> str:
        """Why this person can't say yes, or no, to a proposal; "" where they can."""
        if not self.may_change:
            return "Only operators may answer proposals"
        if proposal.flag.is_locked and not self.may_approve:
            return "Locked: only admins may answer"
        return "Somebody else has to agree: you proposed it" if is_yes and proposal.actor == self.name else ""


@dataclass(frozen=True, slots=True)
class Row:
    """`refused` says why the flag can't be changed by whoever looks, `unkillable` why it can't be killed.

    Two rows are equal where they are written alike, whatever else is known of the flag.
    """

    standing: Standing = field(compare=False)
    key: str  # what ids of the page end with: a name may have dots. As text, since templates write numbers slowly
    name: str
    version: int
    long_about: str
    is_locked: bool
    mark: Mark
    path: str  # of its own, beneath which is all that can be done to it
    stops: Stops
    guard: Mark
    guard_about: str
    requests: int | None
    units: str
    fold: str
    is_open: bool
    refused: str
    unkillable: str
    undo: str
    trail: str

    @property
    def flag(self) -> Flag:
        return self.standing.flag

    @property
    def about(self) -> str:
        return words.first_sentence(self.long_about)

    @property
    def opens(self) -> str:
        """Where HTMX asks for what the fold opens or closes: the page's address, at the flag's own path."""
        _, _, query = self.fold.partition("?")
        return f"{self.path}?{query}" if query else self.path

    @property
    def stages(self) -> SafeString:
        return drawn(self.stops, self.name, self.key, self.path, self.version, is_barred=bool(self.refused))

    @property
    def html(self) -> SafeString:
        return written(self)


@lru_cache(maxsize=KEPT)
def written(row: Row) -> SafeString:
    """The line, kept: everybody who looks asks for it every five seconds, and it seldom changes."""
    return render_to_string("flags/row.html", {"row": row})


def row(
    standing: Standing,
    hour: Hour | None,
    flagset: Flagset,
    rights: Rights,
    *,
    state: dict[str, str],
    opened: str,
    now: datetime,
) -> Row:
    """`state` is what the page's URL says besides which flag is open."""
    flag = standing.flag
    given = {"may_change": rights.may_change, "may_approve": rights.may_approve, "is_pinned": standing.is_pinned}
    refused = guarded.refused(flag, is_frozen=flagset.is_frozen, **given)
    unkillable = guarded.refused(flag, is_frozen=False, **given) or ("" if standing.share else "It is off already")
    guard, about = guarded.said(standing, is_paused=flagset.is_guard_paused, now=now)
    is_open = flag.name == opened
    change, path = latest(flag), reverse("rollout-open", args=[flag.name])
    entry = catalog.find(flag.name)
    return Row(
        standing=standing,
        key=str(flag.pk),
        name=flag.name,
        version=flag.version,
        long_about=flag.note or (entry.about if entry else ""),
        is_locked=flag.is_locked,
        mark=states.mark(standing, now=now),
        path=path,
        stops=stops(path, standing.share, planned(standing)),
        guard=guard,
        guard_about=about,
        requests=hour.requests if hour else None,
        units=words.units(hour.units, flag.unit) if hour else "",
        fold=address(state | ({} if is_open else {"open": flag.name})),
        is_open=is_open,
        refused=refused,
        unkillable=unkillable,
        undo=reverse("rollout-undo", args=[change["id"]]) if change and not refused else "",
        trail=f"{reverse('audit')}?subject={flag.name}" if rights.is_staff else "",
    )


def planned(standing: Standing) -> list[Any]:
    """The shares of a plan that is open."""
    return [stage.percent for stage in standing.plan.stages.all()] if standing.plan and standing.is_open else []


def address(state: dict[str, str]) -> str:
    """The page where its URL says so."""
    kept = {key: value for key, value in state.items() if value}
    return f"{reverse('rollouts')}?{urlencode(kept)}" if kept else reverse("rollouts")
