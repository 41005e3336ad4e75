"""Makes again what the caches of conversations and contexts have lost."""

from __future__ import annotations

import uuid

import orjson
from django.utils import timezone

from flags import rollout
from memory import caching, tuning
from memory.context.assemble import assemble
from memory.context.parts import as_json
from memory.context.read import read_thread
from memory.context.shape import shape_of
from memory.providers import configured


def _thread(used: caching.Used) -> bytes:
    workspace_id, _, user_id = used.namespace.partition(":")
    return caching.pack_conversation(*read_thread(uuid.UUID(workspace_id), user_id, uuid.UUID(used.key)))


def _context(used: caching.Used) -> bytes | None:
    """The answer to the question that was asked before; None where it is not known any more, or would be degraded.

    So it is where the settings or the user's flags have changed since: nobody will look for that answer.
    """
    if not used.recipe:
        return None
    workspace, _, user_id = used.namespace.partition(":")
    workspace_id = uuid.UUID(workspace)
    asked = orjson.loads(used.recipe) | {"user_id": user_id}
    shape = shape_of(workspace_id, user_id, rollout.is_on, wanted=asked.pop("variant", None))
    if not used.key.endswith(f"{tuning.mark(workspace_id)}{shape.mark}"):
        return None
    if asked.get("conversation_id"):
        asked["conversation_id"] = uuid.UUID(asked["conversation_id"])
    found = assemble(
        workspace_id=workspace_id,
        providers=configured.standby(),
        now=timezone.now(),
        variant=shape.variant,
        notices=shape.notices,
        **asked,
    )
    return None if found.degraded else as_json(found)


caching.register_maker("conversation", _thread)
caching.register_maker("context", _context)
