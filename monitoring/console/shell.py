"""The context processor of the console's frame: environment, version, places, range, reporting processes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from monitoring.console.figures import QUEUES
from monitoring.formats import short
from monitoring.metrics import read, snapshot

DEFAULT_RANGE = "1h"
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

    @property
    def key(self) -> str:
        return self.label.lower().replace(" ", "-")

    def address(self, *, for_staff: bool) -> str | None:
        """None where the place does not exist here, or is not for this person."""
        if self.url.startswith("/"):
            return self.url
        if self.url.startswith("admin:") and not for_staff:
            return None
        try:
            return reverse(self.url)
        except NoReverseMatch:
            return None


# A new page is one line here.
PLACES = {
    "Observe": (
        Place("Overview", "overview", "overview", is_tab=True),
        Place("Queues", "queue", "queues", is_tab=True, counts=QUEUES),
        Place("Breakers", "breaker", "breakers", is_tab=True),
        Place("Providers", "plug", "providers"),
        Place("Caches", "bolt", "caches"),
    ),
    "Control": (
        Place("Rollouts", "flag", "admin:flags_flag_changelist", is_tab=True),
        Place("Memories", "memory", "admin:memory_memory_changelist", is_tab=True),
        Place("Conversations", "chat", "admin:memory_conversation_changelist", is_tab=True),
    ),
    "System": (Place("Admin", "lock", "admin:index"), Place("API docs", "text", "/api/v1/docs")),
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
    ranges = tuple(read.RANGES)

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def theme(self) -> str:
        wanted = self._request.GET.get("theme", "")
        return wanted if wanted in THEMES else THEMES[0]

    @property
    def other_theme(self) -> str:
        return "dark" if self.theme == "light" else "light"

    @cached_property
    def range(self) -> str:
        return chosen_range(self._request)

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
        return f"{self._latest.processes} of {self._latest.expected}" if self._latest else "none yet"

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
    """The range that the URL names, or the default where it names none that exists."""
    wanted = request.GET.get("range", DEFAULT_RANGE)
    return wanted if wanted in read.RANGES else DEFAULT_RANGE


def shell(request: HttpRequest) -> dict[str, Any]:
    return {"shell": Shell(request)}
