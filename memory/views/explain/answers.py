"""What was found: memories with where their scores come from, messages with their signs, and the context of both."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse

from memory import search
from memory.context.filling.fill import Filled
from memory.context.parts import Known
from memory.search.messages import MessageHit
from memory.views.memories import words
from monitoring.formats import number

LONGEST: Final = 400  # characters of a text
NOWHERE: Final = "not ranked"
SIGNS: Final = {
    "words": "its words",
    "neighbours": "words nearby",
    "speaker": "speaker",
    "length": "length",
    "statement": "a statement",
    "first_person": "first person",
    "vector": "meaning",
}
WHY_LEFT: Final = {"said": "a message or the summary says it", "budget": "no room in the budget"}


@dataclass(frozen=True, slots=True)
class HitRow:
    """A memory that was found: its place in each ranking, and what the boosts made of it."""

    text: str
    name: str
    href: str
    kind: str
    state: str
    score: str
    value: int
    near: str
    similarity: str
    said: str
    fused: str
    boosts: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message that was found, with what each sign added to its score, the most first."""

    text: str
    who: str
    where: str
    score: str
    value: int
    signs: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PartRow:
    """A line of the context, or one that is left out of it."""

    text: str
    name: str
    href: str
    about: str


@dataclass(frozen=True, slots=True)
class ContextTold:
    """The context that this question would get now; `spent` is by section."""

    about: str
    variant: str
    spent: list[tuple[str, str]]
    parts: list[PartRow]
    left: list[PartRow]


def hit_row(hit: search.Hit) -> HitRow:
    found = hit.breakdown
    boosts = [(name, f"{factor:.3f}") for name, factor in found.boosts.items() if factor != 1]
    return HitRow(
        text=hit.text[:LONGEST],
        name=words.short(hit.id),
        href=reverse("memory", args=[hit.id]),
        kind=hit.kind,
        state=hit.state,
        score=f"{hit.score:.3f}",
        value=round(hit.score * 100),
        near=_rank(found.vector_rank),
        similarity="" if found.similarity is None else words.similarity(found.similarity),
        said=_rank(found.text_rank),
        fused=f"{found.fused:.3f}",
        boosts=boosts,
    )


def message_row(hit: MessageHit, now: datetime) -> MessageRow:
    added = sorted(hit.added.items(), key=lambda sign: -sign[1])
    return MessageRow(
        text=hit.content[:LONGEST],
        who=hit.name or hit.role,
        where=f"message {hit.position}, {words.exactly(hit.said_at, now)}",
        score=f"{hit.score:.3f}",
        value=round(hit.score * 100),
        signs=[(SIGNS.get(name, name), f"{share:.3f}") for name, share in added if share >= 0.0005],
    )


def context_told(filled: Filled, known: Mapping[uuid.UUID, Known], *, variant: str, budget: int) -> ContextTold:
    return ContextTold(
        about=f"{number(filled.tokens)} of {number(budget)} tokens",
        variant=variant,
        spent=[(section.capitalize(), number(tokens)) for section, tokens in filled.spent.items()],
        parts=[_part(part.id, part.text, f"{number(part.tokens)} tokens") for part in filled.parts],
        left=[
            _part(left.id, known[left.id].text if left.id in known else left.kind, WHY_LEFT.get(left.why, left.why))
            for left in filled.left
        ],
    )


def _part(id: uuid.UUID, text: str, about: str) -> PartRow:
    return PartRow(text[:LONGEST], words.short(id), reverse("memory", args=[id]), about)


def _rank(rank: int | None) -> str:
    return NOWHERE if rank is None else f"{rank}."
