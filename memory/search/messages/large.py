"""Reads of a scope that is too large to be read as a whole what its indexes offer, with the messages around it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from memory.search.messages.question import Question
from memory.search.messages.read import Rows, asked, fetched
from memory.search.messages.scope import Scope
from memory.search.messages.score import AROUND, Usual, Usuals

SAMPLE: Final = 4000  # the newest messages, of which what is usual is told
NEWEST: Final = 500  # which are candidates whatever they say: they may not be in the large indexes yet
PER_TERM: Final = 500  # messages that a term offers
BY_WORDS: Final = 1000  # that all terms together offer, the rarest first
BY_VECTOR: Final = 400
COMMON: Final = 0.2  # a term that more of the messages have is no way to find one

# The newest by the btree of the scope, backwards: so many rows and no more.
SAMPLE_SQL = """
SELECT count(*)::int, coalesce(avg(length), 1)::float8 {counts}
FROM (SELECT words, length FROM memory_indexedmessage WHERE {where}
  ORDER BY conversation_id DESC, position DESC LIMIT %(sample)s) AS newest
"""
# A look into the partial index of words per term, rarest first, and one into that of vectors; each with its own bound.
# What is found is read with its neighbours by the btree (conversation, position).
FOUND_SQL = """
(SELECT conversation_id, position FROM memory_indexedmessage WHERE {where}
  ORDER BY conversation_id DESC, position DESC LIMIT %(newest)s)
"""
BY_TERM_SQL = """
UNION ALL (SELECT conversation_id, position FROM memory_indexedmessage
  WHERE {where} AND in_large_scope AND words @@ %(term_{number})s::tsquery LIMIT %(offered_{number})s)
"""
BY_VECTOR_SQL = """
UNION ALL (SELECT conversation_id, position FROM memory_indexedmessage
  WHERE {where} AND in_large_scope AND embedding_model = %(model)s
  ORDER BY embedding <=> %(vector)s::halfvec LIMIT %(by_vector)s)
"""
AROUND_SQL = """
(conversation_id, position) IN (
  SELECT conversation_id, position + step
  FROM ({found}) AS found CROSS JOIN generate_series(-%(around)s, %(around)s) AS step
)
"""


def rows(scope: Scope, question: Question, *, vector: NDArray[np.float32] | None, model: str) -> tuple[Rows, Usuals]:
    """The messages that may answer, with their neighbours, and what is usual in the scope."""
    arguments = scope.arguments | asked(question, vector=vector, model=model)
    arguments |= {"sample": SAMPLE, "newest": NEWEST, "around": AROUND, "by_vector": BY_VECTOR}
    seen, length, having = _sampled(scope, arguments, len(question.terms))
    found = FOUND_SQL + "".join(
        BY_TERM_SQL.replace("{number}", str(number)) for number in _rarest(having / seen, seen, arguments)
    )
    if vector is not None:
        found += BY_VECTOR_SQL
    where = AROUND_SQL.format(found=found.format(where=scope.where))
    with transaction.atomic():
        with connection.cursor() as cursor:
            # one user's vectors among those of all large scopes: look on until enough of them are the user's
            cursor.execute("SET LOCAL hnsw.iterative_scan = relaxed_order; SET LOCAL work_mem = '32MB'")
        read = fetched(where, arguments, len(question.terms))
    return read, _usuals(having, seen, length)


def _sampled(scope: Scope, arguments: dict[str, Any], terms: int) -> tuple[int, float, NDArray[np.float64]]:
    """How many messages were sampled, their mean length, and how many of them have each term."""
    counts = "".join(f", count(*) FILTER (WHERE words @@ %(term_{number})s::tsquery)" for number in range(terms))
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE_SQL.format(where=scope.where, counts=counts), arguments)
        seen, length, *having = cursor.fetchone()
    return max(seen, 1), length, np.array(having, dtype=np.float64)


def _rarest(shares: NDArray[np.float64], seen: int, arguments: dict[str, Any]) -> list[int]:
    """The terms to look for, rarest first, and into `arguments` how many messages each may offer."""
    chosen: list[int] = []
    left = BY_WORDS
    for number in np.argsort(shares, kind="stable").tolist():
        if left <= 0 or (shares[number] > COMMON and chosen):
            break
        arguments[f"offered_{number}"] = min(left, PER_TERM)
        left -= PER_TERM
        chosen.append(number)
    return chosen


def _usuals(having: NDArray[np.float64], seen: int, length: float) -> Usuals:
    share = having / seen
    around = 2 * AROUND + 1
    return Usuals(
        Usual.of(having, seen, length),
        # as if words fell on messages by chance
        Usual.of(seen * (1 - (1 - share) ** around), seen, length * around),
    )
