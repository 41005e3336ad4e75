"""Reads LoCoMo's conversations with their questions: what is posted, what is asked, and which turns hold the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

FILE: Final = Path(__file__).resolve().parents[3] / "shared" / "data" / "locomo_dev.json"
CATEGORIES: Final = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop"}  # 5 has no answer
DATE: Final = "%I:%M %p on %d %B, %Y"
EVIDENCE: Final = re.compile(r"D(\d+):0*(\d+)")


@dataclass(frozen=True, slots=True)
class Question:
    """`evidence` are external ids of messages."""

    text: str
    evidence: frozenset[str]
    category: int


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation: messages as the API takes them, and the questions about it."""

    name: str
    user_id: str
    messages: list[dict[str, Any]]
    questions: list[Question]


def talks() -> list[Talk]:
    """Of the file, which must be there."""
    return [_talk(sample, number) for number, sample in enumerate(orjson.loads(FILE.read_bytes()))]


def nameless(talk: Talk) -> Talk:
    """Only roles tell who speaks."""
    return replace(talk, messages=[message | {"name": ""} for message in talk.messages])


def undated(talk: Talk) -> Talk:
    """All was said when it is posted."""
    kept = [{name: value for name, value in message.items() if name != "created_at"} for message in talk.messages]
    return replace(talk, messages=kept)


def together(talk: Talk) -> Talk:
    """All talks belong to one user."""
    return replace(talk, user_id="everybody")


def told_to(talk: Talk, whom: str) -> Talk:
    """The same talk once more, as another conversation of another user."""
    return replace(talk, name=f"{talk.name}, {whom}", user_id=f"{talk.user_id}, {whom}")


def _talk(sample: dict[str, Any], number: int) -> Talk:
    name = str(sample.get("sample_id") or number)
    messages = list(_messages(sample["conversation"], name))
    known = {message["external_id"] for message in messages}
    return Talk(name, name, messages, list(_questions(sample["qa"], name, known)))


def _messages(talk: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    sessions = sorted(int(found[1]) for key in talk if (found := re.fullmatch(r"session_(\d+)", key)))
    for session in sessions:
        start = datetime.strptime(talk[f"session_{session}_date_time"], DATE).replace(tzinfo=UTC)
        for place, said in enumerate(talk[f"session_{session}"]):
            photo = said.get("blip_caption")
            yield {
                "role": "user" if said["speaker"] == talk["speaker_a"] else "assistant",
                "name": said["speaker"],
                "content": said["text"] + (f" [shares a photo: {photo}]" if photo else ""),
                "external_id": f"{name} {said['dia_id']}",
                "created_at": (start + timedelta(seconds=place)).isoformat(),
            }


def _questions(asked: list[dict[str, Any]], name: str, known: set[str]) -> Iterator[Question]:
    for one in asked:
        places = [found for text in one["evidence"] for found in EVIDENCE.finditer(text)]
        evidence = frozenset(f"{name} D{found[1]}:{found[2]}" for found in places) & known
        if evidence and one["category"] in CATEGORIES:
            yield Question(one["question"], evidence, one["category"])
