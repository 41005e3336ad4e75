"""The context before a model call: the hot read."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from flags import cohorts
from memory import caching, context, tuning
from memory.access import Caller
from memory.api.auth import caller
from memory.api.hot import KIND, key_of
from memory.api.schemas import ContextIn, ContextOut
from memory.context import served
from memory.errors import NotFoundError
from memory.providers import configured

router = Router(tags=["context"])


@router.post("", response=ContextOut, url_name="assemble_context")
def assemble_context(request: HttpRequest, body: ContextIn) -> HttpResponse:
    """What the model should know before its next call, within a token budget.

    Pinned memories come first, then the conversation's summary, relevant memories, and recent messages; what the
    summary or a message says is not said again as a memory. The answer is never older than the user's last write.
    `degraded` says that a standard path served, and `reasons` why, or what a flag keeps
    off. `variant` is how the text is written: the flag enhanced_prompts says it for the user, the request for itself.
    """
    who = caller(request)
    with cohorts.measured(KIND) as scope:
        try:
            answer = _answer(who, body, request.body)
        except NotFoundError:
            scope.noted.clear()  # the caller's mistake says nothing of either arm
            raise
    return HttpResponse(answer, content_type="application/json")


def _answer(who: Caller, body: ContextIn, asked: bytes) -> bytes:
    shape = context.shape_of(who.workspace_id, body.user_id, cohorts.exposed, wanted=body.variant)
    key = key_of(asked, tuning.mark(who.workspace_id), shape)
    looked = caching.look_up_context(who.workspace_id, body.user_id, key, asked=asked)
    if looked.answer is not None:
        served.again(looked.answer)
        return looked.answer
    assembled = context.assemble(
        workspace_id=who.workspace_id,
        providers=configured.standby(),
        now=timezone.now(),
        notices=shape.notices,
        **body.dict() | {"variant": shape.variant},
    )
    # serialised once: these bytes are both the answer and what is kept
    answer = context.as_json(assembled)
    if not assembled.degraded:
        caching.keep_context(who.workspace_id, body.user_id, key, answer, looked.version)
    return answer
