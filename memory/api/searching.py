"""What is remembered: search over a user's memories."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from memory import catalogue, search
from memory.api.auth import caller
from memory.api.schemas.searching import Hits, SearchIn
from memory.providers import configured
from memory.search import filters

router = Router(tags=["memories"])


@router.post("", response=Hits, exclude_none=False, url_name="search_memories")
def search_memories(request: HttpRequest, body: SearchIn) -> dict[str, Any]:
    """A user's memories nearest to a query by meaning and by words, best first; scores are 0 to 1.

    A query of nothing but stop words is answered with the newest memories; a time that it names ("last summer") lifts
    what is of that time. `explain` adds to each hit where its score comes from, and the plan: what each way to look
    would have cost, and why this one was taken.
    """
    who, now = caller(request), timezone.now()
    narrowed = filters.NOTHING if body.filters is None else filters.parsed(body.filters)
    embedded = configured.standby().embed(search.texts_of(body.query, user_id=body.user_id, now=now))
    found = search.search(
        workspace_id=who.workspace_id,
        user_id=body.user_id,
        query=body.query,
        embedded=embedded,
        now=now,
        limit=body.limit,
        filters=narrowed,
        explain=body.explain,
    )
    reasons = [embedded.reason] if embedded.reason else []
    off = [] if catalogue.remembers(who.workspace_id, body.user_id) else [catalogue.NOTHING_REMEMBERED]
    return {
        "items": [_shown(hit, body.user_id, body.explain) for hit in found.hits],
        "plan": found.plan,
        "degraded": bool(reasons),
        "reasons": reasons + off,
    }


def _shown(hit: search.Hit, user_id: str, explain: bool) -> dict[str, Any]:
    names = ("id", "text", "kind", "state", "score", "agent_id", "app_id", "run_id", "metadata", "importance", "pinned")
    shown = {name: getattr(hit, name) for name in (*names, "valid_from", "valid_to", "created_at", "updated_at")}
    return shown | {"user_id": user_id, "explain": hit.breakdown if explain else None}
