"""ChatGPT's export: `conversations.json`, a list of trees of messages; the branch that was shown last is read."""

from __future__ import annotations

from typing import Any

from memory.load.openai import text
from memory.load.records import Bad, Records, turn


def fits(document: Any) -> bool:
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, dict) and "mapping" in first


def read(document: Any, *, name: str, user_id: str) -> Records:
    """Turns of every conversation, oldest message first."""
    for number, thread in enumerate(document if isinstance(document, list) else [document], start=1):
        where = f"{name}, conversation {number}"
        mapping = thread.get("mapping") if isinstance(thread, dict) else None
        if not isinstance(mapping, dict):
            yield Bad(where, "`mapping` must be an object")
            continue
        conversation = str(thread.get("conversation_id") or thread.get("id") or f"{name}-{number}")
        for node in _branch(mapping, thread.get("current_node")):
            yield from _node(node, where, conversation, user_id)


def _branch(mapping: dict[str, Any], leaf: Any) -> list[dict[str, Any]]:
    """The nodes from the root to `leaf`; to the newest message where the export names none."""
    if leaf not in mapping:
        leaf = max(mapping, key=lambda id: _message(mapping[id]).get("create_time") or 0, default=None)
    path: list[dict[str, Any]] = []
    seen = set()
    while leaf in mapping and leaf not in seen:
        seen.add(leaf)
        node = mapping[leaf]
        path.append(node if isinstance(node, dict) else {})
        leaf = path[-1].get("parent")
    return path[::-1]


def _message(node: Any) -> dict[str, Any]:
    message = node.get("message") if isinstance(node, dict) else None
    return message if isinstance(message, dict) else {}


def _node(node: dict[str, Any], where: str, conversation: str, user_id: str) -> Records:
    message = _message(node)
    role = (message.get("author") or {}).get("role")
    content = message.get("content") or {}
    said = text(content.get("parts")) if isinstance(content, dict) else None
    # the tree's root, system placeholders, tool calls and pictures have nothing that was said
    if role not in {"user", "assistant"} or not said or not said.strip():
        return
    yield turn(
        where=f"{where}, message {message.get('id')}",
        conversation=conversation,
        user_id=user_id,
        role=role,
        content=said,
        external_id=str(message.get("id")),
        created_at=message.get("create_time"),
    )
