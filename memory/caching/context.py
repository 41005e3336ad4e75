"""The context and conversation caches: under a version per user, which every write of that user replaces."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence

import orjson
from django.db import connection

from memory.caching.making import get_or_make
from memory.caching.named import CONTEXT, CONVERSATION, LINK, RESPONSE
from memory.caching.policy import Looked
from memory.caching.store.link import AwayError

Owner = tuple[uuid.UUID, str]  # workspace and user
Row = tuple[uuid.UUID, str, str, str]  # id, role, name and content of a message


def look_up_context(workspace_id: uuid.UUID, user_id: str, digest: str, *, asked: bytes = b"") -> Looked:
    """One round trip. Redis away is a miss that keeps nothing, counted. `asked` is what warming would ask again."""
    return CONTEXT.look_up(_namespace(workspace_id, user_id), digest, recipe=asked)


def peek_context(workspace_id: uuid.UUID, user_id: str, digest: str, *, asked: bytes = b"") -> bytes | None:
    """The answer if it is there; only a hit is counted, since a miss is looked up again."""
    return CONTEXT.get(_namespace(workspace_id, user_id), digest, recipe=asked, misses=False)


def keep_context(workspace_id: uuid.UUID, user_id: str, digest: str, answer: bytes, version: bytes | None) -> None:
    """Keep an answer that was computed after `version` was read; dropped when the user has written since."""
    if version is not None:
        CONTEXT.keep(_namespace(workspace_id, user_id), digest, answer, version=version)


def forget_context(workspace_id: uuid.UUID, user_id: str, *, conversations: bool = True) -> None:
    """Drop the user's answers. Call it after the commit of every write and before answering the writer.

    `conversations` False leaves the threads: for writes that changed no message and no summary.
    """
    forget_contexts([(workspace_id, user_id)], conversations=conversations)


def forget_contexts(owners: Iterable[Owner], *, conversations: bool = True) -> None:
    """The same for many users, in one round trip. While Redis is away it is remembered, and done later."""
    caches = (CONTEXT, CONVERSATION) if conversations else (CONTEXT,)
    # these two have no tags and no vectors
    keys = [key for owner in owners for cache in caches for key in cache.keys(_namespace(*owner))[:2]]
    if keys and not LINK.delete(keys):
        for cache in caches:
            cache.failed()


def conversation(
    workspace_id: uuid.UUID, user_id: str, conversation_id: uuid.UUID, read: Callable[[], tuple[str, Sequence[Row]]]
) -> tuple[str, list[Row]]:
    """A conversation's summary, and the messages beyond it as `read` orders them, cached until the user writes.

    What `read` raises is raised, and not cached. In a transaction it is always read: what that sees is not what others
    see.
    """
    if connection.in_atomic_block:
        summary, rows = read()
        return summary, list(rows)

    kept = get_or_make(
        CONVERSATION, _namespace(workspace_id, user_id), str(conversation_id), lambda: pack_conversation(*read())
    )
    return _unpack(kept)


def pack_conversation(summary: str, rows: Sequence[Row]) -> bytes:
    """The bytes of a conversation as it is cached: for warming."""
    # ids side by side: a UUID from its number takes half the time of one from its text
    ids = b"".join(id.bytes for id, *_ in rows).hex()
    return orjson.dumps([summary, ids, [row[1:] for row in rows]])


def _unpack(kept: bytes) -> tuple[str, list[Row]]:
    summary, ids, rows = orjson.loads(kept)
    packed = bytes.fromhex(ids)
    return summary, [
        (uuid.UUID(int=int.from_bytes(packed[16 * place : 16 * place + 16])), role, name, content)
        for place, (role, name, content) in enumerate(rows)
    ]


def forget_user(workspace_id: uuid.UUID, user_id: str) -> None:
    """Drop whatever the caches hold of a user, the answers of models and the counts of use included."""
    forget_context(workspace_id, user_id)
    answers = response_namespace(workspace_id, user_id)
    RESPONSE.forget_namespaces([answers])
    for cache, namespace in (
        (CONTEXT, _namespace(workspace_id, user_id)),
        (CONVERSATION, _namespace(workspace_id, user_id)),
        (RESPONSE, answers),
    ):
        try:
            cache.usage.forget(cache.link, [namespace], now=cache.clock())
        except AwayError:
            cache.failed()  # what was counted lives two hours at most


def response_namespace(workspace_id: uuid.UUID, user_id: str = "") -> str:
    """Where the answers of models lie: those that know a user are that user's, the others are the workspace's."""
    return f"{workspace_id}:user:{user_id}" if user_id else f"{workspace_id}:"


def _namespace(workspace_id: uuid.UUID, user_id: str) -> str:
    return f"{workspace_id}:{user_id}"
