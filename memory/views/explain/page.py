"""The explain page: asks search what the product would ask it, and tells how the answer came about."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from flags import rollout
from memory import context, search, tuning
from memory.context.filling import STYLES, fill
from memory.context.parts import Known, Thread
from memory.context.read import with_pinned
from memory.models import Workspace
from memory.providers import configured
from memory.providers.base import Embedded
from memory.providers.local.tokens import counter
from memory.search import messages
from memory.views.explain import answers, asked, plan
from memory.views.explain.answers import ContextTold, HitRow, MessageRow
from memory.views.explain.asked import Asked
from memory.views.memories.listing.find import home_of
from memory.views.memories.listing.patience import within
from monitoring.console.field import Field

TEMPLATE: Final = "memory/explain/page.html"
MAY_READ: Final = "memory.view_memory"
MAY_READ_MESSAGES: Final = "memory.view_conversation"
WORKSPACES: Final = 100
PATIENCE_MS: Final = 2000  # for a query


@dataclass(slots=True)
class Page:
    """What the page shows; parts that were not asked for, or came too late, are None."""

    asked: Asked
    fields: list[Field]
    home: Workspace | None = None
    embedded: str = ""  # by which model, how long it took
    reason: str = ""  # why the vector is second best
    late: list[str] = field(default_factory=list)
    plan: plan.Told | None = None
    hits: list[HitRow] = field(default_factory=list)
    may_read: bool = False
    messages: list[MessageRow] | None = None
    messages_ms: str = ""
    context: ContextTold | None = None


@require_safe
@login_required
@permission_required(MAY_READ, raise_exception=True)
def explain(request: HttpRequest) -> TemplateResponse:
    """The form; with a user, what search finds and why. 422 where a value can't be meant."""
    page = compose(request, now=timezone.now())
    return TemplateResponse(request, TEMPLATE, {"page": page}, status=422 if page.asked.problems else 200)


def compose(request: HttpRequest, *, now: datetime) -> Page:
    spaces = list(Workspace.objects.order_by("name")[:WORKSPACES])
    of = asked.asked(request.GET.dict())
    page = Page(of, asked.fields(of, spaces), may_read=request.user.has_perm(MAY_READ_MESSAGES))
    page.home = _home(of, spaces) if of.is_on else None
    if page.home is not None:
        _Search(page, page.home, now).run()
    return page


def _home(of: Asked, spaces: Sequence[Workspace]) -> Workspace | None:
    named = [space for space in spaces if space.name == of.workspace]
    if of.workspace or not spaces:
        return named[0] if named else None
    return home_of(of.user, spaces) or spaces[0]


@dataclass(frozen=True, slots=True)
class _Search:
    """One question, asked of memories, of messages, and as a context; each fills its part of the page."""

    page: Page
    home: Workspace
    now: datetime

    def run(self) -> None:
        """Outside of transactions first: a provider may take its time."""
        embedded = self._embedded()
        self._memories(embedded)
        if self.page.may_read:
            self._messages()
        self._context(embedded)

    def _embedded(self) -> Embedded | None:
        of = self.page.asked
        if not of.q:
            return None
        started = time.perf_counter()
        embedded = configured.standby().embed(search.texts_of(of.q, user_id=of.user, now=self.now))
        self.page.embedded = f"{embedded.model}, {_ms_since(started)}"
        self.page.reason = embedded.reason
        return embedded

    def _memories(self, embedded: Embedded | None) -> None:
        of = self.page.asked
        found = within(
            PATIENCE_MS,
            lambda: search.search(
                workspace_id=self.home.pk,
                user_id=of.user,
                query=of.q,
                embedded=embedded,
                now=self.now,
                limit=of.most,
                filters=of.filter,
                explain=True,
            ),
        )
        if found is None or found.plan is None:
            self.page.late.append("The search for memories")
            return
        self.page.plan = plan.told(found.plan)
        self.page.hits = [answers.hit_row(hit) for hit in found.hits]

    def _messages(self) -> None:
        of, started = self.page.asked, time.perf_counter()
        found = within(
            PATIENCE_MS,
            lambda: messages.search(
                workspace_id=self.home.pk,
                user_id=of.user,
                query=of.q,
                embed=configured.standby().embed,
                limit=of.most,
                weights=tuning.current(self.home.pk).messages,
            ),
        )
        if found is None:
            self.page.late.append("The search for messages")
            return
        self.page.messages_ms = _ms_since(started)
        self.page.messages = [answers.message_row(hit, self.now) for hit in found.hits]

    def _context(self, embedded: Embedded | None) -> None:
        """As it would be assembled, without counting its memories as told."""
        known = within(PATIENCE_MS, lambda: self._known(embedded))
        if known is None:
            self.page.late.append("The context")
            return
        of, terms, chat = self.page.asked, tuning.current(self.home.pk), configured.chat()
        shape = context.shape_of(self.home.pk, of.user, rollout.is_on)
        counting = counter(chat.model if chat is not None else "")
        budget = terms.context.budget_tokens
        filled = fill(known, Thread(), budget, STYLES[shape.variant], terms=terms, counter=counting)
        by_id = {one.id: one for one in known}
        self.page.context = answers.context_told(filled, by_id, variant=shape.variant.value, budget=budget)

    def _known(self, embedded: Embedded | None) -> list[Known]:
        of, terms = self.page.asked, tuning.current(self.home.pk)
        found = search.search(
            workspace_id=self.home.pk,
            user_id=of.user,
            query=of.q,
            embedded=embedded,
            now=self.now,
            limit=terms.context.considered,
            terms=terms,
        )
        known = [Known(hit.id, hit.text, hit.kind, hit.valid_from) for hit in found.hits]
        return with_pinned(self.home.pk, of.user, known, self.now)


def _ms_since(started: float) -> str:
    return f"{(time.perf_counter() - started) * 1000:.1f} ms"
