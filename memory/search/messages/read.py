"""Reads the messages of a scope from PostgreSQL as columns of numbers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray
from pgvector import HalfVector

from memory.search.messages.question import Question
from memory.search.messages.scope import Scope

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# bits beside those of a message's own marks
NAMED: Final = 1 << 8  # its speaker is asked about
STARTS: Final = 1 << 9  # it begins a conversation, or goes on with one after a pause
MATCHES: Final = 1 << 10  # it has a term of the question

# How often a word stands in a message, out of ts_rank: with weights of 1 it gives a word that stands there n times
# 1 + 1/4 + … + 1/n² over π²/6 (calc_rank_or in PostgreSQL's tsrank.c), and costs a tenth of unnesting the words.
_RANKS: Final = np.cumsum(1 / np.arange(1, 257, dtype=np.float64) ** 2) / 1.64493406685

# One walk along the btree of the scope, in the order of conversation and position, packed into a value per column: a
# row per message would take psycopg ten times as long. Vectors have length 1, so that inner products are cosines;
# those of another model are compared with nothing. After an hour a conversation is about something else.
ROWS_SQL = """
SELECT string_agg(uuid_send(message_id), ''), string_agg(int4send(length), ''), string_agg(int2send(marks), ''),
  string_agg(float4send(coalesce(similarity, 'NaN')), ''), string_agg(float4send(coalesce(one_before, 'NaN')), ''),
  string_agg(float4send(coalesce(two_before, 'NaN')), ''), string_agg({ranks}, '')
FROM (
  SELECT message_id, length, words,
    (marks + CASE WHEN speaker = ANY (%(speakers)s::text[]) OR role = ANY (%(roles)s::text[]) THEN 256 ELSE 0 END
      + CASE WHEN conversation_id IS DISTINCT FROM lag(conversation_id) OVER told
        OR position <> lag(position) OVER told + 1
        OR said_at - lag(said_at) OVER told > interval '1 hour' THEN 512 ELSE 0 END
      + CASE WHEN words @@ %(any_term)s::tsquery THEN 1024 ELSE 0 END)::int2 AS marks,
    -(vector <#> %(vector)s::halfvec)::float4 AS similarity,
    -(vector <#> lag(vector) OVER told)::float4 AS one_before,
    -(vector <#> lag(vector, 2) OVER told)::float4 AS two_before
  FROM (
    SELECT message_id, conversation_id, position, role, speaker, said_at, length, marks, words,
      CASE WHEN embedding_model = %(model)s THEN embedding END AS vector
    FROM memory_indexedmessage WHERE {where}
  ) AS scope
  WINDOW told AS (ORDER BY conversation_id, position)
  ORDER BY conversation_id, position
) AS told
"""
RANK_SQL = "float4send(ts_rank('{{1,1,1,1}}', words, %(term_{number})s::tsquery))"


@dataclass(frozen=True, slots=True)
class Rows:
    """Messages in the order of conversation and position, a number each per array.

    `counts` has a column per term of the question. Similarities are cosines, NaN where there is no vector to compare:
    to the question, and to the message one and two places before.
    """

    ids: bytes
    length: Floats
    marks: NDArray[np.int64]
    counts: Floats
    similarity: Floats
    one_before: Floats
    two_before: Floats

    def __len__(self) -> int:
        return len(self.length)

    def id(self, place: int) -> uuid.UUID:
        return uuid.UUID(bytes=self.ids[16 * place : 16 * place + 16])


def rows(scope: Scope, question: Question, *, vector: NDArray[np.float32] | None, model: str) -> Rows:
    """All messages of the scope."""
    arguments = scope.arguments | asked(question, vector=vector, model=model)
    return fetched(scope.where, arguments, len(question.terms))


def asked(question: Question, *, vector: NDArray[np.float32] | None, model: str) -> dict[str, Any]:
    """The arguments that ROWS_SQL takes beside those of the scope."""
    return {
        "speakers": list(question.speakers),
        "roles": list(question.roles),
        "vector": None if vector is None else HalfVector(vector).to_text(),
        "model": model,
        "any_term": " | ".join(map(lexeme, question.terms)),
    } | {f"term_{number}": lexeme(term) for number, term in enumerate(question.terms)}


def fetched(where: str, arguments: dict[str, Any], terms: int) -> Rows:
    """The messages for which this condition holds."""
    ranks = " || ".join(RANK_SQL.format(number=number) for number in range(terms))
    ranks = f"CASE WHEN marks & {MATCHES} > 0 THEN {ranks} END"
    with connection.cursor() as cursor:
        cursor.execute(ROWS_SQL.format(where=where, ranks=ranks), arguments)
        packed = [bytes(column or b"") for column in cursor.fetchone()]
    return _unpacked(packed, terms)


def lexeme(term: str) -> str:
    """A stem as a tsquery reads it."""
    escaped = term.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _unpacked(packed: Sequence[bytes], terms: int) -> Rows:
    ids, length, marks, *cosines, ranks = packed
    bits = np.frombuffer(marks, ">i2").astype(np.int64)
    counts = np.zeros((len(bits), terms))
    counts[bits & MATCHES > 0] = _times(_floats(ranks)).reshape(-1, terms)
    similarity, one_before, two_before = map(_floats, cosines)
    length_of = np.frombuffer(length, ">i4").astype(np.float64)
    return Rows(ids, length_of, bits, counts, similarity, one_before, two_before)


def _floats(packed: bytes) -> Floats:
    return np.frombuffer(packed, ">f4").astype(np.float64)


def _times(ranks: Floats) -> Floats:
    """How often a word stands in a message, of its rank there."""
    return np.where(ranks > 0, np.searchsorted(_RANKS, ranks - 1e-6) + 1, 0).astype(np.float64)
