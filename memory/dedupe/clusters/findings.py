"""What is to become of the memories that were compared: which are merged, superseded, or in question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from memory.dedupe.clusters.cliques import cliques, winner
from memory.dedupe.clusters.look import THE_SAME, Look
from memory.dedupe.relate import Relation
from memory.models import Outcome


@dataclass(frozen=True, slots=True)
class Finding:
    """What becomes of `other` beside `memory`, which stays; where it is superseded, from `until` on."""

    outcome: Outcome
    memory: UUID
    other: UUID
    until: datetime | None = None


def findings(found: Look, *, questions: int) -> list[Finding]:
    """What no longer holds goes first: a value that came back is not merged across the one between.

    Then the cliques of those that are left are merged. What is a person's own is never retired: that, and what nobody
    can tell, is a question, of which there are `questions` at most, one per memory, those most alike first, and no pair
    twice.
    """
    ended, own = _ended(found)
    gone = {one.other for one in ended}
    merged, more = _merged(found, gone)
    gone |= {one.other for one in merged}
    doubts = [*own, *more, *_doubts(found)]
    asked: set[UUID] = set()
    reviews: list[Finding] = []
    for one in sorted(doubts, key=_by_likeness(found)):
        pair = {one.memory, one.other}
        if len(reviews) < questions and not pair & (gone | asked) and frozenset(pair) not in found.asked:
            asked |= pair
            reviews.append(one)
    return [*ended, *merged, *reviews]


def _ended(found: Look) -> tuple[list[Finding], list[Finding]]:
    """Of two that can't both hold the one that was said last stays; each gives way to the first that came after it."""
    after: dict[UUID, list[UUID]] = {}
    for a, b in _pairs(found, (Relation.CONFLICT,)):
        older, newer = sorted((a, b), key=lambda id: (found.standing[id].last, id))
        after.setdefault(older, []).append(newer)
    ended, own = [], []
    for older, followers in sorted(after.items()):
        first = min(followers, key=lambda id: (found.standing[id].last, id))
        if found.standing[older].is_own:
            own.append(Finding(Outcome.REVIEW, first, older))
        else:
            until = found.standing[first].took_over(found.standing[older].last)
            ended.append(Finding(Outcome.SUPERSEDED, first, older, until))
    return ended, own


def _merged(found: Look, gone: set[UUID]) -> tuple[list[Finding], list[Finding]]:
    left = {pair for pair in found.near if not pair & gone}
    since = {id: stands.since for id, stands in found.standing.items()}
    own = {id for id, stands in found.standing.items() if stands.is_own}
    merged, kept = [], []
    for ids in cliques(left, lambda a, b: found.joins(a, b, THE_SAME)):
        stays = winner(ids, found.relates, since=since, own=own)
        others = sorted(set(ids) - {stays}, key=lambda id: (-found.standing[id].importance, id))
        merged += [Finding(Outcome.MERGED, stays, id) for id in others if id not in own]
        kept += [Finding(Outcome.REVIEW, stays, id) for id in others if id in own]
    return merged, kept


def _doubts(found: Look) -> list[Finding]:
    doubts = []
    for pair in _pairs(found, (Relation.UNSURE,)):
        older, newer = sorted(pair, key=lambda id: (found.standing[id].last, id))
        doubts.append(Finding(Outcome.REVIEW, newer, older))
    return doubts


def _pairs(found: Look, relations: tuple[Relation, ...]) -> list[tuple[UUID, UUID]]:
    """The pairs that relate so, without those that somebody keeps apart."""
    pairs = sorted((min(pair), max(pair)) for pair in found.near)
    return [pair for pair in pairs if found.joins(*pair, relations) is not None]


def _by_likeness(found: Look) -> Callable[[Finding], tuple[float, UUID, UUID]]:
    return lambda one: (-found.compare(one.memory, one.other).score, one.memory, one.other)
