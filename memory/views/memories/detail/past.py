"""What a memory was: its texts with what changed in each, and what was true before and after it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from django.db import connection

from memory.models import Cause, Memory, Revision, State
from memory.views.memories import words
from memory.views.memories.detail.diff import Piece, diff

REVISIONS: Final = 20
CHAIN: Final = 24
# Forwards along replaced_by, and backwards along what each of those replaced. Depth and length are bounded, so that a
# fact that was merged a thousand times is no longer to read than one of ten.
CHAIN_SQL: Final = """
WITH RECURSIVE after AS (
  SELECT id, replaced_by_id, 0 AS depth FROM memory_memory WHERE id = %(id)s
  UNION ALL
  SELECT next.id, next.replaced_by_id, after.depth + 1
  FROM after JOIN memory_memory next ON next.id = after.replaced_by_id WHERE after.depth < %(most)s
), before AS (
  SELECT id, depth FROM (SELECT id, depth FROM after ORDER BY depth DESC LIMIT 1) AS newest
  UNION ALL
  SELECT old.id, before.depth - 1
  FROM before JOIN memory_memory old ON old.replaced_by_id = before.id
  WHERE before.depth > -%(most)s AND old.state <> 'merged'
)
SELECT id FROM before LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Text:
    """A revision: what changed in it, when, by whom and why."""

    number: int
    is_now: bool
    when: str
    pieces: list[Piece]
    note: str


@dataclass(frozen=True, slots=True)
class Time:
    """What was true for a while."""

    id: uuid.UUID
    name: str
    state: str
    text: str
    span: str
    is_this: bool


def texts(memory: Memory, now: datetime) -> tuple[list[Text], int]:
    """The newest revisions first, and how many older ones there are."""
    found = list(Revision.objects.filter(memory=memory).order_by("-number")[: REVISIONS + 1])
    pairs = [*pairwise(found), *([(found[-1], None)] if len(found) <= REVISIONS and found else [])]
    shown = [_text(new, old, memory, now) for new, old in pairs]
    return shown, max(0, memory.version - len(shown))


def _text(revision: Revision, before: Revision | None, memory: Memory, now: datetime) -> Text:
    cause = Cause(revision.cause)
    who = revision.actor if cause not in (Cause.EXTRACTED, Cause.ADDED) else ""
    when = f"{words.moment(revision.created_at, now)}, {words.CAUSES[cause]}{f' by {who}' if who else ''}"
    if not revision.text:
        pieces = [Piece("", "Text erased" if memory.state == State.FORGOTTEN else "No text")]
    else:
        pieces = diff(before.text, revision.text) if before else [Piece("", revision.text)]
    return Text(revision.number, revision.number == memory.version, when, pieces, revision.reason)


def times(memory: Memory, now: datetime) -> list[Time]:
    """What was true before, with and after it, the oldest first; empty where nothing replaced anything."""
    with connection.cursor() as cursor:
        cursor.execute(CHAIN_SQL, {"id": memory.pk, "most": CHAIN})
        ids = {row[0] for row in cursor.fetchall()} | {memory.pk}
    if len(ids) < 2:
        return []
    rows = Memory.objects.filter(pk__in=ids).only("text", "state", "valid_from", "valid_to", "created_at")
    found = sorted(rows, key=lambda row: (row.valid_from or row.created_at, row.pk))
    named = words.names(ids)
    return [
        Time(
            id=row.pk,
            name=named[row.pk],
            state=State(row.state).label,
            text=row.text or "Text removed",
            span=span(row, now),
            is_this=row.pk == memory.pk,
        )
        for row in found
    ]


def span(memory: Memory, now: datetime) -> str:
    """since 3 Mar 2024; 3 Mar 2024 to 11 Nov; until 11 Nov"""
    since = words.day(memory.valid_from, now) if memory.valid_from else ""
    until = words.day(memory.valid_to, now) if memory.valid_to else ""
    if since and until:
        return since if since == until else f"{since} to {until}"
    if until:
        return f"until {until}"
    return f"since {since}" if since else "always, as far as is known"
