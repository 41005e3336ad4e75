"""Puts messages into the index that search over what was said reads: their words, their vectors, what kind they are."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from memory.dedupe.stored.halves import as_texts
from memory.providers.base import Said
from memory.search.messages import words
from memory.search.messages.scope import MOST

EMBEDDED: Final = 8000  # characters of a message that its vector is made of: more than a provider takes helps nobody
User = tuple[uuid.UUID, str]

# One look-up by primary key per message: one that was deleted meanwhile is left out. `about` is stemmed apart, since
# a message is not longer for having a speaker and a date. The vectors come as one text: in an array, psycopg looks at
# each letter of each of them. A message that is there already takes nothing but a vector of another model.
WRITE_SQL = """
INSERT INTO memory_indexedmessage AS known (message_id, workspace_id, user_id, conversation_id, position, role,
  speaker, said_at, words, length, marks, embedding, embedding_model, in_large_scope)
SELECT said.id, said.workspace_id, row.owner, said.conversation_id, said.position, said.role, row.speaker,
  said.said_at, beside || own, length(own), row.marks, nullif(row.vector, '')::halfvec,
  CASE WHEN row.vector = '' THEN '' ELSE row.model END, coalesce(tally.has_many_messages, false)
FROM unnest(%(ids)s::uuid[], %(owners)s::text[], %(speakers)s::text[], %(about)s::text[], %(texts)s::text[],
  %(marks)s::int[], string_to_array(%(vectors)s, ';'), %(models)s::text[])
  AS row (id, owner, speaker, about, text, marks, vector, model)
CROSS JOIN LATERAL (SELECT * FROM memory_message WHERE id = row.id OFFSET 0) AS said
CROSS JOIN LATERAL to_tsvector('english', row.about) AS beside
CROSS JOIN LATERAL to_tsvector('english', row.text) AS own
LEFT JOIN memory_tally AS tally ON tally.workspace_id = said.workspace_id AND tally.user_id = row.owner
ON CONFLICT (message_id) DO UPDATE SET embedding = excluded.embedding, embedding_model = excluded.embedding_model
WHERE known.embedding_model <> excluded.embedding_model AND excluded.embedding IS NOT NULL
"""
GROWN_SQL = """
SELECT tally.workspace_id, tally.user_id
FROM unnest(%(workspaces)s::uuid[], %(users)s::text[]) AS row (workspace, owner)
JOIN memory_tally AS tally ON tally.workspace_id = row.workspace AND tally.user_id = row.owner
WHERE tally.messages > %(most)s AND NOT tally.has_many_messages
"""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message to index, with its vector (zero where there is none) and the model that made it."""

    id: uuid.UUID
    user_id: str
    said: Said
    vector: NDArray[np.float32]
    model: str


def embedded_text(said: Said) -> str:
    """What a message's vector is made of."""
    return said.content[:EMBEDDED]


def write(spoken: Sequence[Spoken]) -> int:
    """Index these messages in one statement; how many were new or got another vector."""
    if not spoken:
        return 0
    vectors = as_texts(np.stack([one.vector for one in spoken]))
    arguments: dict[str, Any] = {
        "ids": [one.id for one in spoken],
        "owners": [one.user_id for one in spoken],
        "speakers": [words.speaker(one.said.name) for one in spoken],
        "about": [f"{one.said.name} {words.in_words(one.said.at)}" for one in spoken],
        "texts": [words.plain(one.said.content) for one in spoken],
        "marks": [words.marks(one.said.content) for one in spoken],
        "vectors": ";".join(text if one.vector.any() else "" for text, one in zip(vectors, spoken, strict=True)),
        "models": [one.model for one in spoken],
    }
    with connection.cursor() as cursor:
        cursor.execute(WRITE_SQL, arguments)
        return int(cursor.rowcount)


def grown(users: Sequence[User]) -> list[User]:
    """Those of these users who have more messages than search reads as a whole, and no vector index of them yet."""
    if not users:
        return []
    workspaces, owners = (list(column) for column in zip(*users, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(GROWN_SQL, {"workspaces": workspaces, "users": owners, "most": MOST})
        return [(workspace, owner) for workspace, owner in cursor.fetchall()]
