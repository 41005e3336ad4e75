"""One search on its way: sizes the scope, chooses a strategy, and gathers the candidates of each part."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from django.db import connection

from memory.search import strategies
from memory.search.found import Plan, Row, Strategy
from memory.search.plan import Choice, Size, choose, share_of, sought, statistics
from memory.search.rewrite import TERMS, Rewritten
from memory.search.strategies import CAP, Asked, Candidates, Scope, Term

KNOWN_S: Final = 10.0  # how long a process takes a scope for large that it found to be
MOST_KNOWN: Final = 1_000

# One look-up of the tally, and the stems of each part's words.
SIZE_SQL: Final = """
SELECT coalesce(tally.active, 0), coalesce(tally.is_large, false), tsvector_to_array(to_tsvector('english', part.words))
FROM unnest(%(words)s::text[]) WITH ORDINALITY AS part (words, place)
LEFT JOIN memory_tally AS tally ON tally.workspace_id = %(workspace)s AND tally.user_id = %(user)s
ORDER BY part.place
"""
COUNT_SQL: Final = "SELECT count(*) FROM memory_memory AS m WHERE {where}"

EMPTY: Final = Size(0, 0.0, False)

_large: dict[tuple[uuid.UUID, str], float] = {}


@dataclass(slots=True)
class Run:
    """What one search has learned of its scope, and what took how long."""

    scope: Scope
    rewritten: Rewritten
    parts: list[Asked]
    depth: int
    wanted: Strategy | None = None
    explains: bool = False
    ms: dict[str, float] = field(default_factory=dict)
    choice: Choice | None = None
    used: Strategy | None = None
    why: str = ""  # of another strategy than was chosen
    size: Size = EMPTY
    terms: list[list[Term]] = field(default_factory=list)
    rows: int | None = None

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.ms[step] = self.ms.get(step, 0.0) + (time.perf_counter() - began) * 1000

    def newest(self, limit: int) -> list[Row]:
        """Where there is no word to look for."""
        firsts = [span.first for span in self.rewritten.spans]
        ends = [span.end for span in self.rewritten.spans]
        with self.timed("recency"):
            return strategies.recent(self.scope, limit, firsts=firsts, ends=ends)

    def candidates(self) -> list[Candidates]:
        """What each part finds. A small scope is read without a plan, in one round trip: nothing could cost less."""
        plans = self.explains or self.wanted is not None or _is_known_large(self.scope)
        if not plans:
            found = self._exact(any_size=False)
            if found is not None:
                return found
            _remember_large(self.scope)
        self._choose()
        self.used = self.wanted or self._chosen.strategy
        found = self._by(self.used)
        if found is None:
            self.why = "" if self.used is Strategy.EXACT else " It gave too few of them, so all were read."
            self.used = Strategy.EXACT
            found = self._exact(any_size=True) or []
        return found

    def plan(self, started: float) -> Plan:
        """What was chosen and why; the scope's rows are counted where that was not done on the way."""
        self._choose()
        if self.rows is None:
            self.rows = self._count()
        self.ms["all"] = (time.perf_counter() - started) * 1000
        return Plan(
            strategy=self.used or self._chosen.strategy,
            why=self._chosen.why + self.why,
            scope_rows=self.size.active,
            estimated_rows=round(self.size.left),
            rows=self.rows,
            costs=self._chosen.costs,
            rewrites=self.rewritten.notes,
            ms={step: round(took, 3) for step, took in self.ms.items()},
            is_large=self.size.is_large,
            terms={term.lexeme: round(term.share, 5) for terms in self.terms for term in terms},
        )

    @property
    def _chosen(self) -> Choice:
        assert self.choice is not None
        return self.choice

    def _choose(self) -> None:
        """Once."""
        if self.choice is not None:
            return
        with self.timed("plan"):
            known = statistics.current()
            active, is_large, lexemes = self._sized()
            self.terms = [_weighed(words, known, active) for words in lexemes if self.parts]
            left = active * share_of(self.scope.filter, known)
            self.size = Size(active, left, is_large, known.indexed, known.memories)
            self.choice = choose(
                self.size,
                max(self.terms, key=len, default=[]),
                parts=len(self.parts),
                has_vector=any(part.vector for part in self.parts),
                is_active_only=self.scope.is_active_only,
            )

    def _sized(self) -> tuple[int, bool, list[list[str]]]:
        workspace_id, user_id = self.scope.user
        words = [part.words for part in self.parts] or [""]
        with connection.cursor() as cursor:
            cursor.execute(SIZE_SQL, {"words": words, "workspace": workspace_id, "user": user_id})
            rows = cursor.fetchall()
        return max(0, rows[0][0]), rows[0][1], [lexemes[:TERMS] for *_, lexemes in rows]

    def _by(self, strategy: Strategy) -> list[Candidates] | None:
        """None where that can't answer after all."""
        if strategy is Strategy.HNSW:
            with self.timed("hnsw"):
                return self._indexed()
        if strategy is Strategy.WORDS:
            with self.timed("words"):
                return [self._worded(terms) for terms in self.terms]
        return None

    def _exact(self, *, any_size: bool) -> list[Candidates] | None:
        """None for a large scope, unless `any_size`."""
        found: list[Candidates] = []
        with self.timed("exact"):
            for part in self.parts:
                answer = strategies.exact(self.scope, part, self.depth, any_size=any_size)
                if answer is None:
                    return None
                candidates, self.rows = answer
                found.append(candidates)
        return found

    def _indexed(self) -> list[Candidates] | None:
        choice, found = self._chosen, []
        for part, terms in zip(self.parts, self.terms, strict=True):
            ef_search = max(choice.ef_search, self.depth)
            near = strategies.nearest(self.scope, part, self.depth, ef_search=ef_search, max_scan=choice.max_scan)
            # fewer than asked for: it stopped at its bound, and there may be more
            if near is None or len(near.near) < min(self.depth, self.size.active):
                return None
            found.append(Candidates(near.near, self._worded(terms).said))
        return found

    def _worded(self, terms: Sequence[Term]) -> Candidates:
        return strategies.worded(self.scope, self.depth, terms=terms, rarest=rarest(terms, self.size.active))

    def _count(self) -> int:
        where, values = self.scope.where()
        with connection.cursor() as cursor:
            cursor.execute(COUNT_SQL.format(where=where), values)
            return int(cursor.fetchone()[0])


def rarest(terms: Sequence[Term], active: int) -> str:
    """A tsquery for one of the rarest terms; for two of them together, where the very rarest is in too many rows."""
    taken = sought(terms, active)
    if len(taken) == 1 < len(terms) and taken[0].share * active > CAP:
        taken = sorted(terms, key=lambda term: term.share)[:2]
        return " & ".join(term.query for term in taken)
    return " | ".join(term.query for term in taken)


def _weighed(lexemes: Sequence[str], known: statistics.Statistics, active: int) -> list[Term]:
    """Terms by the shares that they have of all memories: counting them in a large scope would mean reading it."""
    shares = [(lexeme, known.of_word(lexeme)) for lexeme in lexemes]
    return [Term(lexeme, share, math.log(1 + (1 - share) / (share + 0.5 / max(active, 1)))) for lexeme, share in shares]


def forget() -> None:
    """Have this process find out anew which scopes are large."""
    _large.clear()


def _is_known_large(scope: Scope) -> bool:
    return _large.get(scope.user, 0.0) > time.monotonic()


def _remember_large(scope: Scope) -> None:
    """So that the next search of this scope goes straight to its plan."""
    if len(_large) >= MOST_KNOWN:
        _large.clear()
    _large[scope.user] = time.monotonic() + KNOWN_S
