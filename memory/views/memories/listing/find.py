"""Finds the memories that are listed: by id, by meaning and words for one user, by words for all, or the newest."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.postgres.search import SearchQuery
from django.db.models import Exists, OuterRef, QuerySet, TextField, Value
from django.db.models.functions import Cast, Replace, Right

from memory import search
from memory.models import Decision, Memory, State, Tally, Workspace
from memory.providers import configured
from memory.providers.base import Embedded
from memory.views.memories.listing.asked import ANY, Asked
from memory.views.memories.listing.patience import within

PATIENCE_MS: Final = 1000
HITS: Final = 50  # that a search for one user offers
COUNTED: Final = 10_000
UNLOADED: Final = ("embedding", "search", "metadata")  # of a listed row


@dataclass(frozen=True, slots=True)
class Found:
    """`of` is how many there are to look in, None where nobody counted; `is_late` where PostgreSQL took too long."""

    memories: list[Memory]
    has_more: bool = False
    of: int | None = None
    is_late: bool = False
    is_ranked: bool = False  # by meaning, not by age


def find(asked: Asked, workspaces: Sequence[Workspace], now: datetime, *, patience_ms: int = PATIENCE_MS) -> Found:
    """The memories that fit, the best or the newest first; never a scan that somebody has to wait for."""
    inside = [workspace for workspace in workspaces if asked.workspace in ("", workspace.name)]
    # outside the transaction: a provider may take its time
    embedded = configured.standby().embed([asked.q]) if _is_by_meaning(asked) else None
    return within(patience_ms, lambda: _find(asked, inside, embedded, now)) or Found([], is_late=True)


def home_of(user_id: str, workspaces: Sequence[Workspace]) -> Workspace | None:
    """The workspace that a user is searched in: the one where most is known of them."""
    if len(workspaces) == 1:
        return workspaces[0]
    by_id = {workspace.pk: workspace for workspace in workspaces}
    known = Tally.objects.filter(workspace_id__in=by_id, user_id=user_id).order_by("-active", "workspace_id")
    first = known.values_list("workspace_id", flat=True).first()
    return by_id[first] if first else None


def _is_by_meaning(asked: Asked) -> bool:
    """Search knows active memories only."""
    return bool(asked.q and asked.user) and asked.state in ("", ANY) and not asked.id and not asked.tail


def _find(asked: Asked, inside: Sequence[Workspace], embedded: Embedded | None, now: datetime) -> Found:
    rows = _fitting(asked, inside)
    if asked.id:
        return Found(list(_all(inside).filter(pk=asked.id)))
    if asked.tail:
        tail = Right(Replace(Cast("pk", TextField()), Value("-"), Value("")), len(asked.tail))
        return _page(_all(inside).alias(tail=tail).filter(tail=asked.tail), asked)
    if asked.q and asked.user:
        return _searched(asked, inside, embedded, now)
    if asked.q:
        return _page(rows.filter(search=_words(asked.q)), asked)
    found = _page(rows, asked)
    return Found(found.memories, found.has_more, _counted(asked, inside)) if asked.user else found


def _all(inside: Sequence[Workspace]) -> QuerySet[Memory]:
    return Memory.objects.filter(workspace__in=[workspace.pk for workspace in inside]).defer(*UNLOADED)


def _fitting(asked: Asked, inside: Sequence[Workspace]) -> QuerySet[Memory]:
    """All that the chips let through."""
    rows = _all(inside)
    if asked.user:
        rows = rows.filter(user_id=asked.user)
    if asked.state != ANY:
        rows = rows.filter(state=asked.state or State.ACTIVE)
    if asked.kind:
        rows = rows.filter(kind=asked.kind)
    if asked.duplicates == "merged":
        rows = rows.filter(Exists(Memory.objects.filter(replaced_by=OuterRef("pk"), state=State.MERGED)))
    if asked.duplicates == "apart":
        apart = [{"outcome": "kept_apart"}]
        rows = rows.filter(Exists(Decision.objects.filter(memory=OuterRef("pk"), trace__contains=apart)))
    return rows


def _page(rows: QuerySet[Memory], asked: Asked) -> Found:
    """The newest first, and one more to know whether there are older ones."""
    if asked.cursor:
        rows = rows.filter(pk__lt=asked.cursor)
    found = list(rows.order_by("-pk")[: asked.rows + 1])
    return Found(found[: asked.rows], len(found) > asked.rows)


def _searched(asked: Asked, inside: Sequence[Workspace], embedded: Embedded | None, now: datetime) -> Found:
    """What search finds for the user now; then, where other states are wanted, what had these words."""
    home = home_of(asked.user, inside)
    if home is None:
        return Found([], of=0)
    ids: list[uuid.UUID] = []
    if embedded is not None:
        answer = search.search(
            workspace_id=home.pk, user_id=asked.user, query=asked.q, embedded=embedded, now=now, limit=HITS
        )
        ids = [hit.id for hit in answer.hits]
    rows = _fitting(asked, inside)
    by_id = rows.in_bulk(ids)
    gone = rows.filter(search=_words(asked.q)).exclude(state=State.ACTIVE).order_by("-pk")
    best = [by_id[id] for id in ids if id in by_id]
    return Found([*best, *(gone[:HITS] if asked.state else [])], of=_counted(asked, inside), is_ranked=True)


def _counted(asked: Asked, inside: Sequence[Workspace]) -> int:
    """How many the user has in the states that are asked for, up to a bound."""
    return _fitting(Asked(user=asked.user, state=asked.state), inside)[: COUNTED + 1].count()


def _words(text: str) -> SearchQuery:
    return SearchQuery(text, config="english")
