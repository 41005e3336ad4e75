"""LoCoMo's format (Maharana et al., ACL 2024): two people who talk, session by session."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from memory.load.records import Bad, Records, turn

SESSION = re.compile(r"session_(\d+)")
DATE = "%I:%M %p on %d %B, %Y"


def fits(document: Any) -> bool:
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, dict) and isinstance(first.get("conversation"), dict)


def read(document: Any, *, name: str, user_id: str) -> Records:
    """Turns of every sample, each as its own user and conversation: both people's words are kept, by name."""
    for number, sample in enumerate(document if isinstance(document, list) else [document], start=1):
        where = f"{name}, sample {number}"
        talk = sample.get("conversation") if isinstance(sample, dict) else None
        if not isinstance(talk, dict):
            yield Bad(where, "`conversation` must be an object")
            continue
        id = str(sample.get("sample_id") or f"{name}-{number}")
        sessions = sorted(int(found[1]) for key in talk if (found := SESSION.fullmatch(key)))
        for session in sessions:
            yield from _session(talk, session, where, id)


def _session(talk: dict[str, Any], session: int, where: str, id: str) -> Records:
    start = _date(talk.get(f"session_{session}_date_time"))
    for place, said in enumerate(talk[f"session_{session}"] or [], start=1):
        at = f"{where}, session {session}, turn {place}"
        if not isinstance(said, dict):
            yield Bad(at, "must be an object")
            continue
        # turns have no time of their own: half a minute apart keeps their order
        moment = (start + timedelta(seconds=30 * place)).isoformat() if start else None
        yield turn(
            where=at,
            conversation=id,
            user_id=id,
            role="user",
            content=said.get("text"),
            external_id=str(said.get("dia_id") or f"{session}:{place}"),
            name=said.get("speaker"),
            created_at=moment,
        )


def _date(value: Any) -> datetime | None:
    try:
        return datetime.strptime(str(value), DATE).replace(tzinfo=UTC)
    except ValueError:
        return None
