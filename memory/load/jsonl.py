"""JSON Lines, a message a line: conversation, user_id, role, content; external_id, name, created_at if known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson

from memory.load.records import Bad, Records, turn


def read(lines: Iterable[bytes], *, name: str, user_id: str) -> Records:
    """Turns of the lines. `name` stands in for a missing conversation, `user_id` for a missing user."""
    seen: Counter[str] = Counter()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        try:
            record: Any = orjson.loads(line)
        except orjson.JSONDecodeError as problem:
            yield Bad(where, f"not JSON: {problem}")
            continue
        if not isinstance(record, dict):
            yield Bad(where, "must be an object")
            continue
        conversation = str(record.get("conversation") or record.get("conversation_id") or name)
        seen[conversation] += 1
        yield turn(
            where=where,
            conversation=conversation,
            user_id=str(record.get("user_id") or user_id),
            role=record.get("role"),
            content=record.get("content"),
            external_id=str(record.get("external_id") or record.get("id") or seen[conversation]),
            name=record.get("name"),
            created_at=record.get("created_at"),
            recalled=record.get("recalled", False),
        )
