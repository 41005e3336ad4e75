"""Folds messages that leave the window into the conversation's rolling summary, a bounded number at a time."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from memory.providers.base import Said
from memory.providers.standby import Standby
from memory.tuning.terms import Window as Limits

# What a window holds whatever its tokens: as many messages as a context considers.
MESSAGES: Final = 500
# What a summarizer is given by one call, at most, but for a single message that is longer.
CHUNK_MESSAGES: Final = 100
CHUNK_TOKENS: Final = 6000
CHUNKS: Final = 5  # calls for a conversation in one go; a job folds the rest

# One range of the unique index (conversation, position) per conversation, read from its end and no further than a
# window reaches, however many messages wait. LATERAL with LIMIT keeps it that, whatever the planner believes.
FULL_SQL = """
SELECT of.id, of.summary, of.summary_through, of.summary_version, tail.positions, tail.tokens
FROM unnest(%(ids)s::uuid[], %(most)s::float8[], %(count)s::int[]) AS asked (id, most, count)
JOIN memory_conversation AS of ON of.id = asked.id
CROSS JOIN LATERAL (
  SELECT array_agg(position ORDER BY position DESC) AS positions, array_agg(tokens ORDER BY position DESC) AS tokens,
    sum(tokens) AS total, count(*) AS count
  FROM (
    SELECT position, tokens FROM memory_message WHERE conversation_id = of.id AND position > of.summary_through
    ORDER BY position DESC LIMIT %(reach)s
  ) AS newest
) AS tail
WHERE tail.total > asked.most OR tail.count > asked.count
"""
SAID_SQL = """
SELECT of.id, said.position, said.tokens, said.role, said.content, said.said_at, said.name, said.recalled
FROM unnest(%(ids)s::uuid[], %(after)s::int[], %(through)s::int[]) AS of (id, after, through)
CROSS JOIN LATERAL (
  SELECT * FROM memory_message WHERE conversation_id = of.id AND position > of.after AND position <= of.through
  ORDER BY position LIMIT %(most)s
) AS said
ORDER BY of.id, said.position
"""
WRITE_SQL = """
UPDATE memory_conversation AS of
SET summary = fold.summary, summary_through = fold.through, summary_version = fold.version + 1, updated_at = %(now)s
FROM unnest(%(ids)s::uuid[], %(summaries)s::text[], %(through)s::int[], %(versions)s::int[])
  AS fold (id, summary, through, version)
WHERE of.id = fold.id AND of.summary_version = fold.version
RETURNING of.id
"""

_Place = tuple[int, int, Said]  # of a message: position, tokens, what was said


@dataclass(frozen=True, slots=True)
class Window:
    """What leaves a full window: messages up to `through` in chunks, beside the summary so far and its version.

    `is_partial` says that more would leave it than one go takes.
    """

    conversation_id: uuid.UUID
    summary: str
    chunks: Sequence[Sequence[Said]]
    through: int
    version: int
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Fold:
    """A summary that reaches `through`, made from version `version` of the one before."""

    conversation_id: uuid.UUID
    summary: str
    through: int
    version: int
    is_partial: bool = False


def full_windows(limits: Mapping[uuid.UUID, Limits]) -> list[Window]:
    """Of these conversations the ones whose window is full, with what leaves it: one query, or two.

    Every message is either beyond `through`, and so in the window, or folded in: none is lost between the two.
    """
    full: dict[uuid.UUID, tuple[str, int, int, int]] = {}
    arguments: dict[str, Any] = {
        "ids": list(limits),
        "most": [each.fold_above * each.tokens for each in limits.values()],
        "count": [int(each.fold_above * MESSAGES) for each in limits.values()],
        "reach": MESSAGES,
    }
    with connection.cursor() as cursor:
        cursor.execute(FULL_SQL, arguments)
        for id, summary, after, version, positions, tokens in cursor.fetchall():
            through = _leaving(positions, tokens, limits[id])
            if through > after:
                full[id] = (summary, after, version, through)
    said = _spoken([(id, after, through) for id, (_, after, _, through) in full.items()], CHUNKS * CHUNK_MESSAGES)
    windows = []
    for id, (summary, _, version, through) in full.items():
        chunks = _chunks(said[id])[:CHUNKS]
        reached = chunks[-1][-1][0]
        texts = [[one for *_, one in chunk] for chunk in chunks]
        windows.append(Window(id, summary, texts, reached, version, reached < through))
    return windows


def folded(window: Window, providers: Standby, limits: Limits) -> tuple[Fold, str]:
    """The new summary, chunk after chunk in their order, and why it is second best, if it is."""
    summary, reasons = window.summary, []
    for chunk in window.chunks:
        made = providers.summarize(summary, chunk, budget_tokens=limits.summary_tokens)
        summary = made.text
        reasons.append(made.reason)
    fold = Fold(window.conversation_id, summary, window.through, window.version, window.is_partial)
    return fold, next(filter(None, reasons), "")


def spoken(conversation_id: uuid.UUID, *, after: int, through: int) -> tuple[list[Said], int]:
    """The first chunk of the messages after one position and up to another, and the position that it reaches."""
    chunks = _chunks(_spoken([(conversation_id, after, through)], CHUNK_MESSAGES)[conversation_id])
    return ([said for *_, said in chunks[0]], chunks[0][-1][0]) if chunks else ([], through)


def write(folds: Sequence[Fold], *, now: datetime) -> set[uuid.UUID]:
    """Store the folds; the conversations that took theirs. One that was folded meanwhile stays as it is."""
    if not folds:
        return set()
    arguments: dict[str, Any] = {
        "now": now,
        "ids": [fold.conversation_id for fold in folds],
        "summaries": [fold.summary for fold in folds],
        "through": [fold.through for fold in folds],
        "versions": [fold.version for fold in folds],
    }
    with connection.cursor() as cursor:
        cursor.execute(WRITE_SQL, arguments)
        return {id for (id,) in cursor.fetchall()}


def _leaving(positions: Sequence[int], tokens: Sequence[int], limits: Limits) -> int:
    """The last position that leaves a full window, newest first: at most `keep` of it stays, and at least one."""
    total, most = 0, limits.keep * limits.tokens
    for number, (position, size) in enumerate(zip(positions, tokens, strict=True)):
        total += size
        if number and (total > most or number >= limits.keep * MESSAGES):
            return position
    return positions[-1] - 1


def _spoken(ranges: Sequence[tuple[uuid.UUID, int, int]], most: int) -> dict[uuid.UUID, list[_Place]]:
    """The messages of conversations after one position and up to another, at most so many of each, in their order."""
    said: dict[uuid.UUID, list[_Place]] = defaultdict(list)
    if ranges:
        ids, after, through = (list(column) for column in zip(*ranges, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(SAID_SQL, {"ids": ids, "after": after, "through": through, "most": most})
            for id, position, tokens, *fields in cursor.fetchall():
                said[id].append((position, tokens, Said(*fields)))
    return said


def _chunks(places: Iterable[_Place]) -> list[list[_Place]]:
    """The messages in the portions that a summarizer is given."""
    chunks: list[list[_Place]] = []
    tokens = 0
    for place in places:
        tokens += place[1]
        if not chunks or len(chunks[-1]) >= CHUNK_MESSAGES or tokens > CHUNK_TOKENS:
            chunks.append([])
            tokens = place[1]
        chunks[-1].append(place)
    return chunks
