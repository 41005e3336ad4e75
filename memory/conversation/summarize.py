"""Folds messages that leave the window into the conversation's rolling summary."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from memory.providers.base import Said

FOLD_ABOVE: Final = 0.7  # of the window: it is folded when it is fuller
KEEP: Final = 0.4  # of the window stays, at most

# One range of the unique index (conversation, position) per conversation. LATERAL with OFFSET 0 keeps it that, whatever
# the planner believes about the size of the tables.
FULL_SQL = """
SELECT of.id, of.summary, of.summary_through, of.summary_version, open.positions, open.tokens
FROM memory_conversation AS of
CROSS JOIN LATERAL (
  SELECT array_agg(position ORDER BY position) AS positions, array_agg(tokens ORDER BY position) AS tokens,
    sum(tokens) AS total
  FROM memory_message WHERE conversation_id = of.id AND position > of.summary_through OFFSET 0
) AS open
WHERE of.id = ANY (%(ids)s::uuid[]) AND open.total > %(most)s
"""
SAID_SQL = """
SELECT of.id, said.role, said.content, said.said_at, said.name, said.recalled
FROM unnest(%(ids)s::uuid[], %(after)s::int[], %(through)s::int[]) AS of (id, after, through)
CROSS JOIN LATERAL (
  SELECT * FROM memory_message WHERE conversation_id = of.id AND position > of.after AND position <= of.through
  OFFSET 0
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


@dataclass(frozen=True, slots=True)
class Window:
    """What leaves a full window: the messages up to `through`, beside the summary so far and its version."""

    conversation_id: uuid.UUID
    summary: str
    said: Sequence[Said]
    through: int
    version: int


@dataclass(frozen=True, slots=True)
class Fold:
    """A summary that reaches `through`, made from version `version` of the one before."""

    conversation_id: uuid.UUID
    summary: str
    through: int
    version: int


def full_windows(conversation_ids: Collection[uuid.UUID], *, window_tokens: int) -> list[Window]:
    """Of these conversations the ones whose window is full, with what leaves it: one query, or two.

    Every message is either beyond `through`, and so in the window, or folded in: none is lost between the two.
    """
    full = []
    with connection.cursor() as cursor:
        cursor.execute(FULL_SQL, {"ids": list(conversation_ids), "most": FOLD_ABOVE * window_tokens})
        for id, summary, after, version, positions, tokens in cursor.fetchall():
            through = _through(list(zip(positions, tokens, strict=True)), window_tokens)
            if through is not None:
                full.append((id, summary, after, version, through))
    said = spoken([(id, after, through) for id, _, after, _, through in full])
    return [Window(id, summary, said[id], through, version) for id, summary, _, version, through in full]


def spoken(ranges: Sequence[tuple[uuid.UUID, int, int]]) -> dict[uuid.UUID, list[Said]]:
    """The messages of conversations after one position and up to another, by conversation, in their order."""
    said: dict[uuid.UUID, list[Said]] = defaultdict(list)
    if ranges:
        ids, after, through = (list(column) for column in zip(*ranges, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(SAID_SQL, {"ids": ids, "after": after, "through": through})
            for id, *fields in cursor.fetchall():
                said[id].append(Said(*fields))
    return said


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


def _through(sizes: list[tuple[int, int]], window_tokens: int) -> int | None:
    """The last position to fold so that at most KEEP of the window stays, and at least the newest message."""
    total = sum(tokens for _, tokens in sizes)
    if total <= FOLD_ABOVE * window_tokens:
        return None
    through = None
    for position, tokens in sizes[:-1]:
        if total <= KEEP * window_tokens:
            break
        total -= tokens
        through = position
    return through
