"""Groups facts that all say the same pairwise: a fact that two strangers have in common never makes them one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from memory.dedupe.decide import Pair
from memory.dedupe.relate import Relation

Joins = Callable[[UUID, UUID], float | None]  # how alike the two are, or None where they may not be one
Relates = Callable[[UUID, UUID], Relation]  # what the first is to the second


def cliques(pairs: Iterable[Pair], joins: Joins) -> list[tuple[UUID, ...]]:
    """Sets of two and more, in which each joins each other, each fact in one at most.

    The most alike come together first, ties by id (complete linkage): the order of `pairs` changes nothing.
    """
    groups: dict[UUID, set[UUID]] = {}
    sides = [(min(pair), max(pair)) for pair in set(pairs)]
    scored = [(score, a, b) for a, b in sides if (score := joins(a, b)) is not None]
    for _, a, b in sorted((-score, a, b) for score, a, b in scored):
        left, right = groups.setdefault(a, {a}), groups.setdefault(b, {b})
        if left is not right and all(joins(*sorted((x, y))) is not None for x in left for y in right):
            left |= right
            groups |= dict.fromkeys(right, left)
    together = {id(group): tuple(sorted(group)) for group in groups.values() if len(group) > 1}
    return sorted(together.values())


def winner(
    members: Collection[UUID], relates: Relates, *, since: Mapping[UUID, datetime], own: Collection[UUID] = ()
) -> UUID:
    """The one that stays: the richest, then a person's own, then the oldest, then the smallest id."""

    def rank(one: UUID) -> tuple[int, int, bool, datetime, UUID]:
        found = [relates(one, other) for other in members if other != one]
        return found.count(Relation.POORER), -found.count(Relation.RICHER), one not in own, since[one], one

    return min(members, key=rank)
