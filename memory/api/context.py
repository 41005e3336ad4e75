"""The context before a model call: the hot read."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from memory import caching, context
from memory.api.auth import caller
from memory.api.hot import digest_of
from memory.api.schemas import ContextIn, ContextOut
from memory.providers import configured

router = Router(tags=["context"])


@router.post("", response=ContextOut, url_name="assemble_context")
def assemble_context(request: HttpRequest, body: ContextIn) -> HttpResponse:
    """What the model should know before its next call, within a token budget.

    Holds pinned and relevant memories, the conversation's summary and its recent messages. The answer is never older
    than the user's last write. `degraded` says that a standard path served, and `reasons` why.
    """
    who = caller(request)
    digest = digest_of(request.body)
    looked = caching.look_up_context(who.workspace_id, body.user_id, digest, asked=request.body)
    if looked.answer is not None:
        return HttpResponse(looked.answer, content_type="application/json")
    assembled = context.assemble(
        workspace_id=who.workspace_id, providers=configured.standby(), now=timezone.now(), **body.dict()
    )
    # serialised once: these bytes are both the answer and what is kept
    answer = context.as_json(assembled)
    if not assembled.degraded:
        caching.keep_context(who.workspace_id, body.user_id, digest, answer, looked.version)
    return HttpResponse(answer, content_type="application/json")
