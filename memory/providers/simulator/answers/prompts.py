"""Reads what was said out of the turns of a chat request, whatever shape the prompt gave it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from memory.providers.base import Said

ROLES: Final = frozenset({"user", "assistant", "system", "tool"})
PREVIOUS: Final = ("previous", "previous_summary", "summary")
MOST_DEPTH: Final = 4
_TAGGED = re.compile(r"<(message|text|content|data)\b[^>]*>\s*(.*?)\s*</\1>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A summary so far, what was said since, and in how many tokens to say it, where the prompt says so."""

    previous: str
    messages: list[Said]
    budget_tokens: int | None = None


def content_of(turn: Mapping[str, Any]) -> str:
    """A turn's text; of a list of parts, the texts among them."""
    content = turn.get("content")
    if isinstance(content, list):
        content = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


def said_by(role: str, content: str, *, at: Any = None, name: Any = "") -> Said:
    """A message; `at` is a time in ISO 8601, now where it is none."""
    return Said(role if role in ROLES else "user", content, _time(at), name if isinstance(name, str) else "")


def last_said(turns: Sequence[Mapping[str, Any]]) -> Said:
    """The one message that the user turns are about: from JSON, from between tags, or the last turn as it is."""
    told = _told(turns)
    found = next((found for text in told if (found := list(_messages(_document(text))))), [])
    if found:
        return found[-1]
    text = next(iter(told), "")
    tagged = _TAGGED.search(text)
    return said_by("user", tagged[2] if tagged else text)


def conversation(turns: Sequence[Mapping[str, Any]]) -> Conversation:
    """What is to be summarised: of a document in a user turn, else the turns themselves."""
    for text in _told(turns):
        document = _document(text)
        if found := list(_messages(document)):
            previous = next((document[key] for key in PREVIOUS if isinstance(document.get(key), str)), "")
            budget = document.get("budget_tokens")
            return Conversation(previous, found, budget if isinstance(budget, int) and budget > 0 else None)
    said = [said_by(str(turn.get("role")), content_of(turn)) for turn in turns if turn.get("role") != "system"]
    return Conversation("", said)


def documents(turns: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The JSON objects in the user turns, newest first."""
    return (_document(text) for text in _told(turns))


def _told(turns: Sequence[Mapping[str, Any]]) -> list[str]:
    """The user turns' texts, newest first: a model that was wrong is asked again in a turn of its own."""
    return [content_of(turn) for turn in reversed(turns) if turn.get("role") == "user"]


def _document(text: str) -> dict[str, Any]:
    """The JSON object in a text that may say something before and after it, {} where there is none."""
    start, end = text.find("{"), text.rfind("}")
    if not 0 <= start < end:
        return {}
    try:
        found = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _messages(value: Any, depth: int = 0) -> Iterator[Said]:
    """The messages in a document, in their order: whatever has a text as its content."""
    if depth > MOST_DEPTH:
        return
    if isinstance(value, list):
        for one in value:
            yield from _messages(one, depth + 1)
    elif isinstance(value, dict):
        content = value.get("content", value.get("message", value.get("text")))
        if isinstance(content, str):
            at = value.get("at", value.get("created_at"))
            yield said_by(str(value.get("role", "user")), content, at=at, name=value.get("name", ""))
            return
        for one in value.values():
            yield from _messages(one, depth + 1)


def _time(given: Any) -> datetime:
    try:
        read = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        return datetime.now(UTC)
    return read if read.tzinfo else read.replace(tzinfo=UTC)
