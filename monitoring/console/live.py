"""How a page stays up to date, and the ways to other ranges, lines and zones of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from monitoring import events, formats
from monitoring.console.chosen import kinds, zone
from monitoring.console.chosen.range import Chosen, chosen
from monitoring.console.shell import Shell

SIDE_BY_SIDE = 5  # ranges that fit into the bar; the others are in its menu
NOT_KEPT = {"range", "from", "to", "last", "theme", "csv"}  # of a page's URL, where it goes to another range


@dataclass(frozen=True, slots=True)
class Live:
    """How a page stays up to date: `page` and `fragments` are its paths, `kept` what its URL says besides the range.

    `age_s` is the age of its figures, None where there are none; where they are read anew each time (`is_exact`), the
    answer that nothing changed makes them new. `ranges` is empty where a range means nothing.
    """

    page: str
    fragments: str
    kept: dict[str, str]
    chosen: Chosen
    ranges: tuple[str, ...]
    age_s: float | None = 0.0
    is_exact: bool = False

    @property
    def range(self) -> str:
        return self.chosen.name

    @property
    def is_fixed(self) -> bool:
        """Whether it shows a time that has passed, so that nothing changes."""
        return bool(self.ranges) and self.chosen.is_fixed

    @property
    def address(self) -> str:
        """Where the fragments of what the page shows now are."""
        return _with(self.fragments, self._state)

    @property
    def choices(self) -> dict[str, str]:
        """The page's address at each of the ranges that are offered side by side."""
        return {name: self._at({"range": name}) for name in self.ranges[:SIDE_BY_SIDE]}

    @property
    def longer(self) -> dict[str, str]:
        return {name: self._at({"range": name}) for name in self.ranges[SIDE_BY_SIDE:]}

    @property
    def steps(self) -> list[Step]:
        """To the ranges beside this one."""
        chosen = self.chosen
        moves = (
            ("Earlier", "left", "[", chosen.earlier),
            ("Later", "right", "]", chosen.later),
            ("Zoom out", "expand", "z", chosen.wider),
        )
        return [Step(words, icon, key, self._at(query) if query else "") for words, icon, key, query in moves]

    @property
    def lines(self) -> list[tuple[str, bool, str]]:
        """The kinds of events, whether charts show them, and the page's address where that is turned round."""
        hidden = frozenset(filter(None, self.kept.get(kinds.NAME, "").split(",")))
        return [
            (kind, kind not in hidden, self._at(self.chosen.query | {kinds.NAME: kinds.toggled(hidden, kind)}))
            for kind in (*events.KINDS, *sorted(hidden - {*events.KINDS}))
        ]

    @property
    def shown(self) -> dict[str, str]:
        """What the page's URL says but for the zone, which a form changes."""
        return {key: value for key, value in self._state.items() if key != zone.NAME}

    @property
    def label(self) -> str:
        """What stands on the button of the range's menu."""
        return self.chosen.label if self.ranges and self.range not in self.ranges[:SIDE_BY_SIDE] else formats.zone()

    @property
    def _state(self) -> dict[str, str]:
        return (self.chosen.query if self.ranges else {}) | self.kept

    def _at(self, query: dict[str, str]) -> str:
        kept = {key: value for key, value in self.kept.items() if key not in query}
        return _with(self.page, {key: value for key, value in (query | kept).items() if value})


@dataclass(frozen=True, slots=True)
class Step:
    """A way to another range: `address` is empty where there is nothing."""

    words: str
    icon: str
    key: str
    address: str


def live(
    request: HttpRequest,
    page: str,
    fragments: str,
    *,
    age_s: float | None = 0.0,
    is_exact: bool = False,
    has_range: bool = True,
    **of: Any,
) -> Live:
    """The live part of the page with the URL name `page`; `of` are both URLs' arguments."""
    return Live(
        page=reverse(page, kwargs=of),
        fragments=reverse(fragments, kwargs=of),
        kept={key: str(value) for key, value in request.GET.items() if key not in NOT_KEPT},
        chosen=chosen(request),
        ranges=Shell.ranges if has_range else (),
        age_s=age_s,
        is_exact=is_exact,
    )


def _with(path: str, state: dict[str, str]) -> str:
    return f"{path}?{urlencode(state)}" if state else path
