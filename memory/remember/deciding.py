"""Decides about the facts of a transaction one after the other, each beside what is stored and what came before it."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connection

from memory import catalogue
from memory.dedupe.decide import RETIRES, Candidate, Pair, Standing, Verdict, Weighed, decide, nearness, weigh
from memory.dedupe.normalise import text_hash
from memory.dedupe.relate import Relation
from memory.dedupe.stored.candidates import Fact, Owner, Vectors, candidates
from memory.dedupe.stored.fresh import Fresh
from memory.dedupe.stored.rows import Retirement, Rows, Statement
from memory.dedupe.stored.standing import kept_apart, standing
from memory.models import Outcome, State
from memory.tuning import TermsOf

# By the unique index decision_once_per_fact.
DECIDED_SQL = """
SELECT done.message_id, done.ordinal, coalesce(done.memory_id, done.other_id), done.outcome
FROM unnest(%s::uuid[], %s::int[]) AS asked (message, ordinal)
JOIN memory_decision AS done ON done.message_id = asked.message AND done.ordinal = asked.ordinal
WHERE coalesce(done.memory_id, done.other_id) IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The memory that holds the fact now, and what became of the fact."""

    memory_id: uuid.UUID
    outcome: Outcome


@dataclass(slots=True)
class Deciding:
    """What is known of the facts, and what was decided about them so far. `vectors.rows` has a row per statement."""

    owners: Sequence[Owner]
    statements: Sequence[Statement]
    vectors: Vectors
    terms: TermsOf
    now: datetime
    facts: list[Fact] = field(default_factory=list)
    fresh: dict[Owner, Fresh] = field(default_factory=lambda: defaultdict(Fresh))
    hashes: dict[uuid.UUID, str] = field(default_factory=dict)
    standing: dict[uuid.UUID, Standing] = field(default_factory=dict)
    apart: set[Pair] = field(default_factory=set)
    retired: dict[uuid.UUID, Retirement] = field(default_factory=dict)
    thresholds: dict[uuid.UUID, dict[str, Any]] = field(default_factory=dict)  # by workspace

    def write(self) -> list[Remembered]:
        """Decide about all of them, and write it. Raises IntegrityError where somebody wrote one of them meanwhile."""
        done = _decided(self.statements)
        self.facts = self._facts()
        started = time.perf_counter()
        stored = self._weigh_stored()
        each_ms = (time.perf_counter() - started) * 1000 / max(1, len(self.facts))
        rows, remembered = Rows(self.vectors.model, self.now), []
        for place, statement in enumerate(self.statements):
            key = (statement.message_id, statement.ordinal)
            answer = done.get(key) or self._decide(rows, place, stored[place], each_ms)
            if statement.message_id is not None:
                done[key] = answer
            remembered.append(answer)
        rows.write()
        return [replace(answer, memory_id=self._holder(answer.memory_id)) for answer in remembered]

    def _facts(self) -> list[Fact]:
        compares = {user: catalogue.compares(*user) for user in {owner.user for owner in self.owners}}
        nearest = {}
        for workspace_id in {owner.workspace_id for owner in self.owners}:
            terms = self.terms(workspace_id).dedupe
            nearest[workspace_id] = terms.candidates
            self.thresholds[workspace_id] = terms.model_dump(mode="json")
        return [
            Fact(
                owner,
                said.text,
                text_hash(said.text),
                str(said.kind),
                nearest[owner.workspace_id] if compares[owner.user] else 0,
            )
            for owner, said in zip(self.owners, self.statements, strict=True)
        ]

    def _weigh_stored(self) -> list[list[Weighed]]:
        """Each fact beside what is stored, and how that stands which may have to give way."""
        found = candidates(self.facts, self.vectors)
        self.hashes = {one.id: one.text_hash for of_fact in found for one in of_fact}
        weighed = [self._weigh(fact, of_fact) for fact, of_fact in zip(self.facts, found, strict=True)]
        self.standing = standing({one.id for of_fact in weighed for one in of_fact if one.relation in RETIRES})
        poorer = [[one.id for one in of_fact if one.relation is Relation.RICHER] for of_fact in weighed]
        self.apart = kept_apart({id for ids in poorer if len(ids) > 1 for id in ids})
        return weighed

    def _weigh(self, fact: Fact, found: Sequence[Candidate]) -> list[Weighed]:
        return weigh(fact.text, fact.text_hash, found, terms=self.terms(fact.owner.workspace_id).dedupe)

    def _decide(self, rows: Rows, place: int, stored: Sequence[Weighed], took_ms: float) -> Remembered:
        started = time.perf_counter()
        fact, statement, vector = self.facts[place], self.statements[place], self.vectors.rows[place]
        known = self._weigh(fact, self.fresh[fact.owner].candidates(fact, vector, self.vectors.rows))
        weighed = sorted([*(one for one in stored if one.id not in self.retired), *known], key=nearness)
        said_at = statement.valid_from or self.now
        verdict = decide(weighed, said_at=said_at, standing=self.standing, apart=self.apart)
        memory_id, other_id, effects = verdict.of, verdict.other, []
        if memory_id is None:
            memory_id = rows.add(fact.owner, statement, fact.text_hash, vector)
            effects = self._carry_out(rows, memory_id, place, verdict, said_at)
        else:
            self._said_again(memory_id, said_at)
        holder, other_id = (verdict.by, memory_id) if verdict.by else (memory_id, other_id)
        took_ms += (time.perf_counter() - started) * 1000
        thresholds = self.thresholds[fact.owner.workspace_id] if fact.nearest else {}
        rows.decide(
            fact.owner, statement, verdict, memory_id=holder, other_id=other_id, effects=effects,
            thresholds=thresholds, took_ms=took_ms,
        )  # fmt: skip
        return Remembered(memory_id, verdict.outcome)

    def _carry_out(
        self, rows: Rows, id: uuid.UUID, place: int, verdict: Verdict, said_at: datetime
    ) -> list[dict[str, Any]]:
        """Retire what gives way to the new memory, or the new one; what that changed."""
        fact, importance = self.facts[place], self.statements[place].importance
        self.hashes[id] = fact.text_hash
        self.standing[id] = Standing(said_at, said_at, importance=importance)
        for merged in verdict.merged:
            rows.raise_importance(id, self.standing[merged].importance)
        retiring = [Retirement(one, self.hashes[one], State.MERGED, id, self.now) for one in verdict.merged]
        retiring += [Retirement(one, self.hashes[one], State.SUPERSEDED, id, said_at) for one in verdict.superseded]
        if verdict.by is not None and verdict.until is not None:
            retiring.append(Retirement(id, fact.text_hash, State.SUPERSEDED, verdict.by, verdict.until))
        else:
            self.fresh[fact.owner].add(id, fact, place)
        for one in retiring:
            rows.retire(one)
            self.retired[one.id] = one
            self.fresh[fact.owner].retire(one.id)
        return [one.effect(self.standing[one.id]) for one in retiring]

    def _said_again(self, id: uuid.UUID, said_at: datetime) -> None:
        stands = self.standing.get(id)
        if stands is not None:
            self.standing[id] = replace(stands, last=max(stands.last, said_at))

    def _holder(self, id: uuid.UUID) -> uuid.UUID:
        """The memory into which this one was merged here, if it was."""
        while id in self.retired and self.retired[id].state is State.MERGED:
            id = self.retired[id].by
        return id


def _decided(statements: Sequence[Statement]) -> dict[tuple[uuid.UUID | None, int], Remembered]:
    """What was decided before about facts of the same messages."""
    of_messages = [(one.message_id, one.ordinal) for one in statements if one.message_id is not None]
    if not of_messages:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(DECIDED_SQL, [[id for id, _ in of_messages], [ordinal for _, ordinal in of_messages]])
        return {
            (message_id, ordinal): Remembered(memory_id, Outcome(outcome))
            for message_id, ordinal, memory_id, outcome in cursor.fetchall()
        }
