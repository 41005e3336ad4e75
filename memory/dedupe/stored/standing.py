"""Reads what decides whether stored memories may be retired: whose words they are, when said, and who parted them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.db import connection

from memory.dedupe.decide import Pair, Standing
from memory.models import Cause

# A model's hand is not a person's: what it has decided may be decided anew.
MODEL: Final = "model:"
BY_HAND: Final = (Cause.EDITED, Cause.MERGED, Cause.SPLIT, Cause.RESTORED, Cause.UNDONE)

# By primary key, each with looks into the unique index of its revisions and the index of its decisions by memory. What
# was undone has the words of the revision that it restores.
STANDING_SQL = """
SELECT of.id, coalesce(of.valid_from, of.created_at), greatest(coalesce(of.valid_from, of.created_at), again.at),
  of.pinned OR EXISTS (
    SELECT FROM memory_revision AS newest
    JOIN memory_revision AS words ON words.memory_id = of.id AND words.number = coalesce(newest.restores, newest.number)
    WHERE newest.memory_id = of.id AND newest.number = of.version AND words.cause = ANY (%(by_hand)s)
      AND NOT starts_with(words.actor, %(model)s)
  ), of.importance, of.version, of.valid_to, of.replaced_by_id
FROM memory_memory AS of CROSS JOIN LATERAL (
  SELECT max(coalesce(message.said_at, decision.created_at)) AS at
  FROM memory_decision AS decision LEFT JOIN memory_message AS message ON message.id = decision.message_id
  WHERE decision.memory_id = of.id AND decision.outcome = 'duplicate' AND decision.undone_at IS NULL
) AS again
WHERE of.id = ANY (%(ids)s)
"""
# By the index of decisions by memory; both sides are asked for, so each pair is found whichever way round it was.
APART_SQL = """
SELECT memory_id, other_id FROM memory_decision
WHERE memory_id = ANY (%(ids)s) AND other_id = ANY (%(ids)s)
  AND ((outcome IN ('kept_apart', 'restored') AND undone_at IS NULL) OR resolution = 'kept_apart'
    OR (outcome NOT IN ('kept_apart', 'restored') AND undone_at IS NOT NULL))
"""
ASKED_SQL = """
SELECT memory_id, other_id FROM memory_decision
WHERE memory_id = ANY (%(ids)s) AND other_id = ANY (%(ids)s) AND outcome = 'review'
"""


def standing(ids: Collection[UUID]) -> dict[UUID, Standing]:
    """How these memories stand: one query."""
    if not ids:
        return {}
    arguments: dict[str, Any] = {"ids": list(ids), "by_hand": [str(cause) for cause in BY_HAND], "model": MODEL}
    with connection.cursor() as cursor:
        cursor.execute(STANDING_SQL, arguments)
        return {id: Standing(*fields) for id, *fields in cursor.fetchall()}


def kept_apart(ids: Collection[UUID]) -> set[Pair]:
    """The pairs among these memories that somebody has decided to keep apart, or has parted again: one query."""
    return _pairs(APART_SQL, ids)


def asked(ids: Collection[UUID]) -> set[Pair]:
    """The pairs among these memories that are or were in question: nobody is asked twice."""
    return _pairs(ASKED_SQL, ids)


def _pairs(statement: str, ids: Collection[UUID]) -> set[Pair]:
    if len(ids) < 2:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": list(ids)})
        return {frozenset(pair) for pair in cursor.fetchall()}
