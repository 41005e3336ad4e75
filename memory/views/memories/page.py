"""The Memories page: the list, the memory in detail beside it, and what moves on both."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.decorators import login_required, permission_required
from django.core.cache import cache
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from memory.models import Decision, Kind, Memory, Outcome, Workspace
from memory.views.memories.detail import detail as details
from memory.views.memories.detail.detail import Detail
from memory.views.memories.listing import asked as asking
from memory.views.memories.listing.asked import DUPLICATES, MOST, STATES, STEP, Asked, as_uuid
from memory.views.memories.listing.find import COUNTED, Found, find, home_of
from memory.views.memories.listing.patience import within
from memory.views.memories.listing.row import Row, rows
from monitoring.console import pages
from monitoring.console.freshness import REFRESH_S
from monitoring.formats import number
from monitoring.ids import first_of

TEMPLATE: Final = "memory/memories/page.html"
MAY_READ: Final = "memory.view_memory"
WORKSPACES: Final = 100
HEAD_S: Final = 15  # that the figures of the head are kept
HEAD_MS: Final = 250
QUESTIONS: Final = 1000  # counted up to


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows. `is_chosen` is whether the address names the memory in detail."""

    about: str
    questions: str
    asked: Asked
    found: Found
    rows: list[Row]
    detail: Detail | None
    is_chosen: bool
    workspaces: list[str]

    kinds = Kind.values
    duplicates = DUPLICATES
    states = STATES

    @property
    def chosen(self) -> uuid.UUID | None:
        return self.detail.memory.pk if self.detail else None

    @property
    def counted(self) -> str:
        """8 of 214, in the field of the search."""
        shown = f"{number(len(self.rows))}{'+' if self.found.has_more else ''}"
        if self.found.of is None:
            return f"{shown} found" if self.asked.q else ""
        of = f"{number(COUNTED)}+" if self.found.of > COUNTED else number(self.found.of)
        return f"{shown} of {of}"

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """What is narrowed to: name, value, and the address without it."""
        asked = self.asked
        said = (
            ("User", asked.user, "user"),
            ("Workspace", asked.workspace, "workspace"),
            ("State", STATES[asked.state] if asked.state else "", "state"),
            ("Kind", asked.kind, "kind"),
            ("Duplicates", DUPLICATES.get(asked.duplicates, ""), "duplicates"),
        )
        return [(name, value, asked.url(**{key: ""})) for name, value, key in said if value]

    @property
    def choices(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """What can be narrowed to, each value with its address."""
        asked = self.asked
        offered: list[tuple[str, list[tuple[str, str]]]] = []
        if not asked.state:
            states = [(word, asked.url(state=value)) for value, word in STATES.items() if value]
            offered.append(("State", states))
        if not asked.kind:
            offered.append(("Kind", [(kind, asked.url(kind=kind)) for kind in self.kinds]))
        if not asked.duplicates:
            offered.append(("Duplicates", [(word, asked.url(duplicates=key)) for key, word in DUPLICATES.items()]))
        if not asked.workspace and len(self.workspaces) > 1:
            named = [(name, asked.url(workspace=name)) for name in self.workspaces]
            offered.append(("Workspace", named))
        return offered

    @property
    def more(self) -> str:
        """The address of the same page with more rows; empty where a page of its own shows the older ones."""
        if not self.found.has_more or self.asked.rows + STEP > MOST:
            return ""
        opened = f"&open={self.chosen}" if self.chosen else ""
        return self.asked.url(rows=self.asked.rows + STEP, cursor=self.asked.cursor) + opened

    @property
    def older(self) -> str:
        return self.asked.url(cursor=self.rows[-1].id) if self.found.has_more else ""

    @property
    def newest(self) -> str:
        return self.asked.url() if self.asked.cursor else ""

    @property
    def list_href(self) -> str:
        return self.asked.url(cursor=self.asked.cursor, rows=self.asked.rows)

    @property
    def clear(self) -> str:
        return Asked().url()


@require_safe
@login_required
@permission_required(MAY_READ, raise_exception=True)
def memories(request: HttpRequest) -> TemplateResponse:
    """The list; `?open=` shows one memory in detail, otherwise it is the first."""
    return pages.respond(request, TEMPLATE, _context(request, as_uuid(request.GET.get("open", ""))))


def _stamp(request: HttpRequest) -> str:
    # memories change without a snapshot of figures: their rows are asked each time
    return f"{int(timezone.now().timestamp() // REFRESH_S)}"


@pages.refreshed(_stamp)
@permission_required(MAY_READ, raise_exception=True)
def memories_list(request: HttpRequest) -> TemplateResponse:
    """What moves on the page."""
    context = _context(request, as_uuid(request.GET.get("open", "")))
    return TemplateResponse(request, f"{TEMPLATE}#live", context)


@require_safe
@login_required
@permission_required(MAY_READ, raise_exception=True)
def memory(request: HttpRequest, id: uuid.UUID) -> TemplateResponse:
    """One memory: beside the list that it was chosen from, or what HTMX puts there."""
    context = _context(request, id)
    if context["page"].detail is None:
        raise Http404("There is no such memory.")
    if request.headers.get("HX-Request"):
        opened = TemplateResponse(request, f"{TEMPLATE}#opened", context)
        patch_vary_headers(opened, ["HX-Request"])
        return opened
    return pages.respond(request, TEMPLATE, context)


def _context(request: HttpRequest, id: uuid.UUID | None) -> dict[str, Any]:
    now = timezone.now()
    spaces = list(Workspace.objects.order_by("name")[:WORKSPACES])
    asked = _resolved(asking.asked(request.GET.dict(), [space.name for space in spaces]), spaces)
    page = compose(request, asked, spaces, id, now=now)
    live = pages.live(request, "memories", "memories-list", is_exact=True, has_range=False)
    kept = {name: value for name, value in live.kept.items() if name != "open"}
    opened = {"open": str(page.chosen)} if page.chosen else {}
    return {"page": page, "live": replace(live, kept=kept | opened), "refused": page.detail and page.detail.refused}


def _resolved(asked: Asked, spaces: Sequence[Workspace]) -> Asked:
    """A user belongs to a workspace: where several have this id, the one that knows most is meant, and said."""
    if not asked.user or asked.workspace or len(spaces) < 2:
        return asked
    home = home_of(asked.user, spaces)
    return replace(asked, workspace=home.name) if home else asked


def compose(
    request: HttpRequest, asked: Asked, spaces: Sequence[Workspace], id: uuid.UUID | None, *, now: datetime
) -> Page:
    found = find(asked, spaces, now)
    listed = rows(found.memories, asked, now)
    chosen = id or (listed[0].id if listed else None)
    memory = details.find(chosen) if chosen else None
    wanted = request.GET.get("decision", "") if id else ""
    return Page(
        about=_about(now),
        questions=_questions(),
        asked=asked,
        found=found,
        rows=listed,
        detail=details.detail(memory, asked, request.user, decision=wanted, now=now) if memory else None,
        is_chosen=bool(id and memory),
        workspaces=[space.name for space in spaces],
    )


def _about(now: datetime) -> str:
    """How many there are, and how many were merged lately; kept for a moment, for all who look."""
    known: str | None = cache.get("memories:about")
    if known is None:
        active = f"{number(Memory.objects.active_count())} active"
        merged = _merged(now)
        known = active if merged is None else f"{active}, {number(merged)} merged in the last hour"
        cache.set("memories:about", known, timeout=HEAD_S)
    return known


def _merged(now: datetime) -> int | None:
    """None where so much was decided that counting it takes too long."""
    since = first_of(now - timedelta(hours=1))
    recent = Decision.objects.filter(pk__gte=since, outcome=Outcome.MERGED, undone_at=None)
    return within(HEAD_MS, recent.count)


def _questions() -> str:
    """How many pairs wait for an answer, "" where none does."""
    count = Decision.objects.waiting()[: QUESTIONS + 1].count()
    if not count:
        return ""
    return f"{number(min(count, QUESTIONS))}{'+' if count > QUESTIONS else ''}"
