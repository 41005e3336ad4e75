"""Looks for clusters as long as somebody waits: user by user, those with most memories first."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Q, QuerySet

from memory.dedupe.clusters import Cluster, possible
from memory.models import Tally
from memory.views.memories.listing.patience import within

MOST: Final = 20  # clusters on a page
OF_USER: Final = 5  # of one user among others
USERS: Final = 200  # that a page looks through
LARGE: Final = 500  # active memories: among others, such a user is passed by
PATIENCE_MS: Final = 800  # for a query
LONGEST_S: Final = 1.5  # after which no further user is begun

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Group:
    """The clusters of one user; `more` is the cursor of the next ones."""

    user_id: str
    clusters: list[Cluster]
    more: str = ""


@dataclass(slots=True)
class Walked:
    """What was found: `large` are users with so many memories that others would wait; `after` is who comes next."""

    groups: list[Group] = field(default_factory=list)
    large: list[tuple[str, int]] = field(default_factory=list)
    looked: int = 0
    after: str = ""


def of_user(workspace_id: uuid.UUID, user_id: str, *, cursor: str, limit: int = MOST) -> Group | None:
    """None where PostgreSQL needs longer than somebody waits. Raises InvalidError for a cursor that is none."""
    found = within(PATIENCE_MS, lambda: possible(workspace_id, user_id=user_id, limit=limit, cursor=cursor, slices=1))
    return None if found is None else Group(user_id, found.clusters, found.cursor)


def of_workspace(workspace_id: uuid.UUID, *, after: str, clock: Clock = time.monotonic) -> Walked:
    """As many users as there is time for, after the one that `after` names."""
    walked, until, left = Walked(), clock() + LONGEST_S, MOST
    tallies = list(_users(workspace_id, after)[: USERS + 1])
    for user_id, active in tallies[:USERS]:
        if left <= 0 or (walked.looked and clock() > until):
            return walked
        walked.looked += 1
        walked.after = f"{active}:{user_id}"
        group = None if active > LARGE else of_user(workspace_id, user_id, cursor="", limit=min(left, OF_USER))
        if group is None:
            walked.large.append((user_id, active))
        elif group.clusters:
            walked.groups.append(group)
            left -= len(group.clusters)
    if len(tallies) <= USERS:
        walked.after = ""
    return walked


def _users(workspace_id: uuid.UUID, after: str) -> QuerySet[Tally, tuple[str, int]]:
    """Those with two memories at least."""
    users = Tally.objects.filter(workspace_id=workspace_id, active__gte=2)
    active, _, user_id = after.partition(":")
    if active.isascii() and active.isdecimal() and len(active) < 10:
        users = users.filter(Q(active__lt=int(active)) | Q(active=int(active), user_id__gt=user_id))
    return users.order_by("-active", "user_id").values_list("user_id", "active")
