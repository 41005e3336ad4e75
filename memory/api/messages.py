"""What was said: search over messages, also those of which no memory was made."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from memory import tuning
from memory.api.auth import caller
from memory.api.schemas.messages import MessageHits, MessageSearchIn
from memory.providers import configured
from memory.search import messages

router = Router(tags=["messages"])


@router.post("/search", response=MessageHits, exclude_none=False, url_name="search_messages")
def search_messages(request: HttpRequest, body: MessageSearchIn) -> dict[str, Any]:
    """A user's or a conversation's messages that answer a question, best first; scores are 0 to 1.

    A message counts with its own words and with those of its neighbours in the conversation, with its speaker, its
    date and its meaning. A question of nothing but stop words is answered with the newest messages. Messages are found
    once their job is done.
    """
    who = caller(request)
    found = messages.search(
        workspace_id=who.workspace_id,
        user_id=body.user_id,
        conversation_id=body.conversation_id,
        query=body.query,
        embed=configured.standby().embed,
        limit=body.limit,
        weights=tuning.current(who.workspace_id).messages,
    )
    reasons = [found.reason] if found.reason else []
    items = [_shown(hit, body.explain) for hit in found.hits]
    return {"items": items, "degraded": bool(reasons), "reasons": reasons}


def _shown(hit: messages.MessageHit, explain: bool) -> dict[str, Any]:
    names = ("id", "external_id", "conversation_id", "position", "role", "name", "content", "said_at")
    shown = {name: getattr(hit, name) for name in names} | {"score": round(hit.score, 6)}
    added = {name: round(value, 6) for name, value in hit.added.items()}
    return shown | {"explain": added if explain else None}
