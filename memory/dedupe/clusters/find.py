"""Offers clusters: what the job merges, and what a person may look at."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final
from uuid import UUID

from django.db.models import Q

from memory import tuning
from memory.dedupe.clusters.cliques import cliques, winner
from memory.dedupe.clusters.look import THE_SAME, Look, look
from memory.dedupe.relate import Comparison, Relation
from memory.errors import InvalidError
from memory.models import Tally
from memory.tuning.terms import Dedupe

POSSIBLY: Final = (*THE_SAME, Relation.UNSURE)
SLICES: Final = 5  # that one call looks through, however little it finds
END: Final = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Memories that say the same, or might: pairwise, with the one that would stay.

    `comparisons` are by pair, the smaller id first.
    """

    user_id: str
    ids: tuple[UUID, ...]
    texts: dict[UUID, str]
    winner: UUID
    comparisons: dict[tuple[UUID, UUID], Comparison]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of clusters. `cursor` is where the next one begins, empty where there is none."""

    clusters: list[Cluster]
    cursor: str


def clusters(
    workspace_id: UUID, user_id: str, *, terms: Dedupe, after: UUID | None = None, limit: int
) -> list[Cluster]:
    """The clusters of the next `limit` active memories of a user, by id: all that say the same pairwise."""
    return of(look(workspace_id, user_id, terms=terms, after=after, limit=limit), user_id, THE_SAME)


def of(found: Look, user_id: str, relations: Collection[Relation]) -> list[Cluster]:
    """The clusters among what was compared, by their smallest ids."""

    def joins(a: UUID, b: UUID) -> float | None:
        return found.joins(a, b, relations)

    # what another slice begins with has been offered there
    mine = [ids for ids in cliques(found.near, joins) if found.first is not None and ids[0] >= found.first]
    return [_cluster(found, ids, user_id) for ids in mine]


def possible(
    workspace_id: UUID, *, user_id: str | None = None, limit: int, cursor: str = "", slices: int = SLICES
) -> Found:
    """Clusters that say the same or might, of one user, or of the workspace's users, those with most memories first.

    It looks through so many slices at most: a page may have fewer than `limit`, or none, and a cursor nevertheless.
    Raises InvalidError for a cursor that none of its pages had.
    """
    terms = tuning.current(workspace_id).dedupe
    offered: list[Cluster] = []
    place = _Place.read(cursor) if cursor else _following(workspace_id, user_id, None)
    for _ in range(slices):
        if place is None or len(offered) >= limit:
            break
        found = look(workspace_id, place.user_id, terms=terms, after=place.after, limit=terms.batch)
        offered += of(found, place.user_id, POSSIBLY)
        if len(offered) > limit:
            place = replace(place, after=offered[limit - 1].ids[0])
        elif found.last is not None:
            place = replace(place, after=found.last)
        else:
            place = _following(workspace_id, user_id, place)
    return Found(offered[:limit], place.told() if place else END)


@dataclass(frozen=True, slots=True)
class _Place:
    """How far the pages came: a user, by the number of active memories, and the last of those looked at."""

    active: int
    user_id: str
    after: UUID | None = None

    @classmethod
    def read(cls, cursor: str) -> _Place:
        active, _, rest = cursor.partition(":")
        after, _, user_id = rest.partition(":")
        try:
            return cls(int(active), user_id, UUID(after) if after else None)
        except ValueError:
            raise InvalidError(("cursor", "is none that a page of clusters had: leave it out")) from None

    def told(self) -> str:
        return f"{self.active}:{self.after or ''}:{self.user_id}"


def _following(workspace_id: UUID, user_id: str | None, place: _Place | None) -> _Place | None:
    """Where the next user begins, with two memories at least; the one user who was asked for comes once."""
    if user_id is not None:
        return None if place else _Place(0, user_id)
    users = Tally.objects.filter(workspace_id=workspace_id, active__gte=2)
    if place is not None:
        users = users.filter(Q(active__lt=place.active) | Q(active=place.active, user_id__gt=place.user_id))
    row = users.order_by("-active", "user_id").values_list("active", "user_id").first()
    return _Place(*row) if row else None


def _cluster(found: Look, ids: tuple[UUID, ...], user_id: str) -> Cluster:
    since = {id: found.standing[id].since for id in ids}
    own = {id for id in ids if found.standing[id].is_own}
    return Cluster(
        user_id=user_id,
        ids=ids,
        texts={id: found.known[id].text for id in ids},
        winner=winner(ids, found.relates, since=since, own=own),
        comparisons={pair: found.compare(*pair) for pair in combinations(ids, 2)},
    )
