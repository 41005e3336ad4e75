"""OpenAI-style messages: a list of {"role", "content"}, or objects with `messages`, one or a list of them."""

from __future__ import annotations

from typing import Any

from memory.load.records import Bad, Records, turn


def fits(document: Any) -> bool:
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, dict) and ("messages" in first or {"role", "content"} <= first.keys())


def read(document: Any, *, name: str, user_id: str) -> Records:
    """Turns of the document. Without ids of its own, a message is known by its place in the conversation."""
    bare = isinstance(document, list) and "messages" not in document[0]
    threads = [{"messages": document}] if bare else document if isinstance(document, list) else [document]
    for number, thread in enumerate(threads, start=1):
        where = f"{name}, conversation {number}"
        messages = thread.get("messages") if isinstance(thread, dict) else None
        if not isinstance(messages, list):
            yield Bad(where, "`messages` must be a list")
            continue
        conversation = str(thread.get("id") or (name if len(threads) == 1 else f"{name}-{number}"))
        user = str(thread.get("user_id") or thread.get("user") or user_id)
        for place, message in enumerate(messages, start=1):
            at = f"{where}, message {place}"
            if not isinstance(message, dict):
                yield Bad(at, "must be an object")
            else:
                yield _turn(message, at, conversation, user, place)


def _turn(message: dict[str, Any], where: str, conversation: str, user_id: str, place: int) -> Any:
    return turn(
        where=where,
        conversation=conversation,
        user_id=user_id,
        role="system" if message.get("role") == "developer" else message.get("role"),
        content=text(message.get("content")),
        external_id=str(message.get("id") or place),
        name=message.get("name"),
        created_at=message.get("created_at"),
    )


def text(content: Any) -> Any:
    """The text of a content that may be a list of typed parts; other parts (images, audio) are left out."""
    if not isinstance(content, list):
        return content
    parts = (
        part if isinstance(part, str) else part.get("text", "") for part in content if isinstance(part, str | dict)
    )
    return "\n".join(part for part in parts if isinstance(part, str) and part)
