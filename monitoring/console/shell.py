"""The context processor of the console's frame: environment, version, places, range, reporting processes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from monitoring import formats
from monitoring.console.chosen import range as ranges
from monitoring.console.chosen import zone
from monitoring.console.chosen.range import Chosen
from monitoring.console.figures import QUEUES
from monitoring.formats import short
from monitoring.metrics import snapshot
from monitoring.metrics.ranges import RANGES

DEFAULT_RANGE = ranges.DEFAULT
THEMES = ("dark", "light", "system")
TABS = 5  # what fits side by side on a phone


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to go: `url` is a URL name, or a path where there is none."""

    label: str
    icon: str
    url: str
    is_tab: bool = False
    counts: tuple[str, ...] = ()  # gauges whose sum stands beside the label
    counted: str = ""  # what the sum is of, for who can't see where it stands
    tone: str = ""  # where there should be none
    is_for_staff: bool = False

    @property
    def key(self) -> str:
        return self.label.lower().replace(" ", "-")

    @property
    def go(self) -> str:
        """The letter that goes there after `g`; empty where none does."""
        return GO.get(self.key, "")

    def address(self, *, for_staff: bool) -> str | None:
        """None where the place does not exist here, or is not for this person."""
        if self.url.startswith("/"):
            return self.url
        if (self.is_for_staff or self.url.startswith("admin:")) and not for_staff:
            return None
        try:
            return reverse(self.url)
        except NoReverseMatch:
            return None


# after `g`, on the keyboard
GO = {
    "overview": "o",
    "latency": "l",
    "queries": "s",
    "queues": "q",
    "breakers": "b",
    "providers": "p",
    "caches": "c",
    "alerts": "a",
    "events": "e",
    "rollouts": "r",
    "memories": "m",
    "conversations": "v",
    "readiness": "y",
    "audit-log": "u",
    "admin": "d",
    "api-docs": "x",
}

# A new page is one line here.
PLACES = {
    "Observe": (
        Place("Overview", "overview", "overview", is_tab=True),
        Place("Latency", "latency", "latency"),
        Place("Queries", "db", "queries"),
        Place("Queues", "queue", "queues", counts=QUEUES, counted="waiting"),
        Place("Breakers", "breaker", "breakers", is_tab=True, counts=("breakers.open",), counted="open", tone="crit"),
        Place("Providers", "plug", "providers"),
        Place("Caches", "bolt", "caches"),
        Place("Alerts", "bell", "alerts", is_tab=True, counts=("alerts.firing",), counted="firing", tone="crit"),
        Place("Events", "clock", "events"),
    ),
    "Control": (
        Place(
            "Rollouts", "flag", "rollouts", is_tab=True, counts=("flags.attention",), counted="to look at", tone="warn"
        ),
        Place("Memories", "memory", "memories", is_tab=True, is_for_staff=True),
        Place("Conversations", "chat", "admin:memory_conversation_changelist", is_tab=True),
    ),
    "System": (
        Place("Readiness", "ready", "readiness", counts=("readiness.score",), counted="of 100"),
        Place("Audit log", "audit", "audit", is_for_staff=True),
        Place("Settings", "edit", "tuning-choose", is_for_staff=True),
        Place("Admin", "lock", "admin:index"),
        Place("API docs", "text", "/api/v1/docs"),
    ),
}


@dataclass(frozen=True, slots=True)
class Link:
    place: Place
    href: str
    is_current: bool
    count: str = ""


class Shell:
    """Worked out when a template asks, so that pages without the frame cost nothing."""

    environment = settings.HOLDFAST_ENVIRONMENT
    version = settings.HOLDFAST_VERSION
    ranges = tuple(RANGES)

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def theme(self) -> str:
        wanted = self._request.GET.get("theme", "")
        return wanted if wanted in THEMES else THEMES[0]

    @property
    def other_theme(self) -> str:
        return "dark" if self.theme == "light" else "light"

    @property
    def range(self) -> str:
        return self.chosen.name

    @property
    def chosen(self) -> Chosen:
        return ranges.chosen(self._request)

    @property
    def zone(self) -> str:
        return formats.zone()

    @property
    def unknown_zone(self) -> str:
        """A zone that was asked for and isn't one."""
        wanted = self._request.GET.get(zone.NAME, "")
        return "" if not wanted or zone.is_known(wanted) else wanted[:40]

    @cached_property
    def sections(self) -> dict[str, list[Link]]:
        sections = {head: self._links(places) for head, places in PLACES.items()}
        return {head: links for head, links in sections.items() if links}

    @cached_property
    def tabs(self) -> list[Link]:
        return [link for links in self.sections.values() for link in links if link.place.is_tab][:TABS]

    @cached_property
    def counted(self) -> list[Link]:
        """The links with something to count beside them, which changes while the page stays."""
        return [link for links in self.sections.values() for link in links if link.place.counts]

    @property
    def reporting(self) -> str:
        """How many of the processes that should report do."""
        return self._latest.reporting if self._latest else "none yet"

    @property
    def is_partial(self) -> bool:
        """Whether some of them don't."""
        return self._latest is not None and self._latest.is_partial

    @cached_property
    def _latest(self) -> snapshot.Snapshot | None:
        return snapshot.latest()

    def _links(self, places: tuple[Place, ...]) -> list[Link]:
        user = self._request.user
        if not user.is_authenticated:
            return []
        found = ((place, place.address(for_staff=user.is_staff)) for place in places)
        here = self._request.path
        return [Link(p, href, _is_at(here, href), self._count(p)) for p, href in found if href]

    def _count(self, place: Place) -> str:
        series = self._latest.series if place.counts and self._latest else {}
        total = sum(figure.value or 0 for name in place.counts if (figure := series.get(name)))
        return short(total) if total else ""


def _is_at(path: str, href: str) -> bool:
    """Whether a page is the place, or one of those below it."""
    return path == href or (href != "/" and path.startswith(href))


def chosen_range(request: HttpRequest) -> str:
    """The name of the range that the URL names, or of the last good one where it names none that can be shown."""
    return ranges.chosen(request).name


def shell(request: HttpRequest) -> dict[str, Any]:
    return {"shell": Shell(request)}
