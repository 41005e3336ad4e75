"""A cluster in words: its memories, the one that would stay, and what each pair is to each other."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.urls import reverse

from memory.dedupe.clusters import Cluster
from memory.dedupe.guards import Evidence
from memory.dedupe.relate import Comparison, Relation
from memory.models import Memory
from memory.remember.by_hand.merge import MOST as MERGED_AT_ONCE
from memory.remember.by_hand.review import MOST as APART_AT_ONCE
from memory.views.memories import words
from memory.views.memories.detail.trace import Guard
from memory.views.memories.words import Mark

PAIRS: Final = 10  # that are shown of a cluster
LONGEST: Final = 400
RELATIONS: Final = {
    Relation.SAME: Mark("Say the same", "info", "merge"),
    Relation.RICHER: Mark("{a} says more", "info", "merge"),
    Relation.POORER: Mark("{b} says more", "info", "merge"),
    Relation.CONFLICT: Mark("Contradict each other", "crit", "crit"),
    Relation.UNSURE: Mark("In doubt", "warn", "half"),
    Relation.APART: Mark("Two facts", "off", "split"),
}


@dataclass(frozen=True, slots=True)
class Member:
    """One of the memories; `stays` is whether it is the one that says most."""

    id: uuid.UUID
    name: str
    href: str
    text: str
    about: str
    stays: bool
    is_pinned: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """How two of them stand to each other."""

    names: tuple[str, str]
    score: str
    value: int  # percent of the bar
    mark: Mark
    guards: list[Guard]


@dataclass(frozen=True, slots=True)
class Shown:
    """`limit` is where the bar's line stands: from there on two are the same unasked."""

    key: str
    user_id: str
    members: list[Member]
    pairs: list[Pair]
    more_pairs: int
    is_doubtful: bool
    limit: int
    too_many: str  # to be kept apart at once
    too_many_merged: str

    @property
    def title(self) -> str:
        return f"{len(self.members)} memories {'may ' if self.is_doubtful else ''}say the same"


def shown(clusters: Sequence[Cluster], *, same: float, now: datetime) -> list[Shown]:
    """One query, however many clusters there are."""
    ids = [id for cluster in clusters for id in cluster.ids]
    told = ("kind", "pinned", "created_at", "valid_from")
    rows = Memory.objects.only(*told).in_bulk(ids) if ids else {}
    names = words.names(ids)
    return [_shown(cluster, rows, names, same, now) for cluster in clusters]


def _shown(
    cluster: Cluster, rows: Mapping[uuid.UUID, Memory], names: Mapping[uuid.UUID, str], same: float, now: datetime
) -> Shown:
    others = sorted(set(cluster.ids) - {cluster.winner})
    pairs = [_pair(names[a], names[b], found) for (a, b), found in cluster.comparisons.items()]
    pairs.sort(key=lambda pair: -pair.value)
    many = len(cluster.ids)
    return Shown(
        key=cluster.winner.hex[-12:],
        user_id=cluster.user_id,
        members=[_member(id, cluster, rows.get(id), names[id], now) for id in (cluster.winner, *others)],
        pairs=pairs[:PAIRS],
        more_pairs=max(0, len(pairs) - PAIRS),
        is_doubtful=any(found.relation is Relation.UNSURE for found in cluster.comparisons.values()),
        limit=round(same * 100),
        too_many=f"At most {APART_AT_ONCE} are kept apart at once" if many > APART_AT_ONCE else "",
        too_many_merged=f"At most {MERGED_AT_ONCE} are merged at once" if many > MERGED_AT_ONCE else "",
    )


def _member(id: uuid.UUID, cluster: Cluster, row: Memory | None, name: str, now: datetime) -> Member:
    since = f", since {words.day(row.valid_from or row.created_at, now)}" if row else ""
    return Member(
        id=id,
        name=name,
        href=reverse("memory", args=[id]),
        text=cluster.texts[id][:LONGEST],
        about=f"{row.kind}{since}" if row else "gone meanwhile",
        stays=id == cluster.winner,
        is_pinned=bool(row and row.pinned),
    )


def _pair(a: str, b: str, found: Comparison) -> Pair:
    mark = RELATIONS[found.relation]
    return Pair(
        names=(a, b),
        score=words.similarity(found.score),
        value=round(found.score * 100),
        mark=replace(mark, word=mark.word.format(a=a, b=b)),
        guards=[_guard(fired) for fired in found.guards],
    )


def _guard(fired: Evidence) -> Guard:
    sides = (" ".join(side) for side in (fired.a, fired.b))
    return Guard(str(fired.guard).replace("_", " ").capitalize(), ", ".join(filter(None, sides)))
