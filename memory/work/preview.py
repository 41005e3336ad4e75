"""What other settings would make of stored decisions and queries, before they hold."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import orjson

from memory import caching, search
from memory.caching.store.link import AwayError
from memory.dedupe.relate import relate
from memory.models import Decision, Memory
from memory.providers.standby import Standby
from memory.tuning import Terms

DECISIONS: Final = 200
QUERIES: Final = 10
TOP: Final = 5
SHOWN: Final = 100  # pairs that would come out differently
LOOKED: Final = 500  # of the most used contexts, to find those of one workspace


@dataclass(frozen=True, slots=True)
class Pair:
    """A fact and what it was weighed against, with what they are to each other under both settings."""

    decision_id: uuid.UUID
    memory_id: uuid.UUID
    fact: str
    other: str
    similarity: float
    before: str
    after: str


@dataclass(slots=True)
class Replay:
    """Decisions taken again, on the texts as they are now: `forgotten` is how many have none any more."""

    replayed: int = 0
    forgotten: int = 0
    pairs: int = 0
    differing: list[Pair] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """How many decisions have a pair that comes out differently, of those shown."""
        return len({pair.decision_id for pair in self.differing})


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a user."""

    user_id: str
    query: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """A memory that was found."""

    memory_id: uuid.UUID
    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The best memories for a question under both settings."""

    user_id: str
    query: str
    before: list[Ranked]
    after: list[Ranked]

    @property
    def is_changed(self) -> bool:
        return [each.memory_id for each in self.before] != [each.memory_id for each in self.after]


def decisions(workspace_id: uuid.UUID, *, was: Terms, wanted: Terms, most: int = DECISIONS) -> Replay:
    """Take the newest decisions again: each fact against the candidates of its trace."""
    rows = Decision.objects.filter(workspace_id=workspace_id).exclude(trace=[]).order_by("-id")
    stored = list(rows.values_list("id", "text", "trace")[:most])
    texts = _texts(entry["id"] for _, _, trace in stored for entry in trace)
    replay = Replay()
    for id, fact, trace in stored:
        known = [entry for entry in trace if texts.get(entry["id"])]
        if not fact or not known:
            replay.forgotten += 1
            continue
        replay.replayed += 1
        for entry in known:
            replay.pairs += 1
            other, similarity = texts[entry["id"]], float(entry["similarity"])
            before, after = (
                relate(fact, other, similarity=similarity, terms=terms.dedupe).relation.value for terms in (was, wanted)
            )
            if before != after and len(replay.differing) < SHOWN:
                replay.differing.append(Pair(id, uuid.UUID(entry["id"]), fact, other, similarity, before, after))
    return replay


def queries(
    workspace_id: uuid.UUID, asked: Sequence[Asked], *, was: Terms, wanted: Terms, providers: Standby, now: datetime
) -> list[Answered]:
    """Search for each question under both settings; the vectors are made once."""
    asked = asked[: 2 * QUERIES]
    answers = []
    for each in asked:
        embedded = providers.embed(search.texts_of(each.query, user_id=each.user_id, now=now))
        before, after = (
            search.search(
                workspace_id=workspace_id,
                user_id=each.user_id,
                query=each.query,
                embedded=embedded,
                now=now,
                limit=TOP,
                terms=terms,
            ).hits
            for terms in (was, wanted)
        )
        answers.append(Answered(each.user_id, each.query, _ranked(before), _ranked(after)))
    return answers


def asked_most(workspace_id: uuid.UUID, *, now: float, most: int = QUERIES) -> list[Asked]:
    """The questions that contexts were asked for most in the last hour or two; none while Redis is away."""
    try:
        used = caching.CONTEXT.usage.top(caching.CONTEXT.link, now=now, limit=LOOKED)
    except AwayError:
        return []
    found: dict[Asked, None] = {}
    for each in used:
        workspace, _, user_id = each.namespace.partition(":")
        if workspace == str(workspace_id) and each.recipe:
            query = orjson.loads(each.recipe).get("query")
            if query:
                found[Asked(user_id, query)] = None
        if len(found) >= most:
            break
    return list(found)


def _texts(ids: Iterable[str]) -> dict[str, str]:
    """The texts of memories as they are now, by id as text; forgotten ones have none."""
    found = Memory.objects.filter(pk__in={uuid.UUID(id) for id in ids}).values_list("pk", "text")
    return {str(id): text for id, text in found}


def _ranked(hits: Sequence[search.Hit]) -> list[Ranked]:
    return [Ranked(hit.id, hit.text) for hit in hits]
