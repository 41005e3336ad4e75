"""Brings large scopes into the vector index, and out of it when they have shrunk."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import connection
from django.db.models import Q

from memory.jobs.kinds import Again, Done, Work, job_kind
from memory.jobs.locks import lock_writes
from memory.jobs.submit import submit_many
from memory.models import Priority, Scope, Tally
from memory.search.plan import LARGE, SMALL
from memory.work.payloads import IndexScope

INDEX_SCOPE: Final = "index_scope"
SLICE: Final = 1_000  # rows a run: 1 to 3 ms each, as long as the index takes to find a row its neighbours
LAST: Final = 100  # rows that a run marks at most when the rest may be done while nobody else writes
USERS: Final = 100  # that are ordered at once

# By the btree memory_by_user. Rows in every state: one that is restored is in the index again by its state alone. Rows
# that somebody else is changing are left for later, so that nobody waits for whom it keeps waiting.
MARK_SQL: Final = """
UPDATE memory_memory SET in_large_scope = %(mark)s WHERE id = ANY (ARRAY(
  SELECT id FROM memory_memory
  WHERE workspace_id = %(workspace)s AND user_id = %(user)s AND in_large_scope <> %(mark)s
  LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
))
"""
# What is left, when nobody else may write.
REST_SQL: Final = """
UPDATE memory_memory SET in_large_scope = true
WHERE workspace_id = %(workspace)s AND user_id = %(user)s AND NOT in_large_scope
"""


def order(*, now: datetime) -> int:
    """Ask for the scopes that have become large or small since; how many there are, at most USERS at a time."""
    grown = Q(active__gte=LARGE, is_large=False)
    shrunk = Q(active__lt=SMALL, is_large=True)
    wanted: dict[uuid.UUID, list[str]] = defaultdict(list)
    for workspace_id, user_id in Tally.objects.filter(grown | shrunk).values_list("workspace_id", "user_id")[:USERS]:
        wanted[workspace_id].append(user_id)
    for workspace_id, users in wanted.items():
        submit_many(
            kind=INDEX_SCOPE,
            workspace_id=workspace_id,
            user_ids=users,
            payloads=[IndexScope()] * len(users),
            now=now,
            key=INDEX_SCOPE,
            priority=Priority.LOW,
            is_follow_up=True,
        )
    return sum(map(len, wanted.values()))


@job_kind(
    INDEX_SCOPE,
    IndexScope,
    title="Index a large scope",
    priority=Priority.LOW,
    time_limit_s=25.0,
    concurrency=1,
    scope=Scope.ADMIN,
)
def index_scope(work: Work[IndexScope]) -> Done | Again:
    """Mark or unmark the user's rows, a slice a run; what was done stays done, so a run that is lost costs a slice.

    Search reads the whole scope until the last row is marked; it stops using the index before the first is unmarked.
    """
    mine = Tally.objects.filter(workspace_id=work.workspace_id, user_id=work.user_id)
    active, is_large = mine.values_list("active", "is_large").first() or (0, False)
    wanted = active >= (SMALL if is_large else LARGE)
    if not wanted:
        mine.filter(is_large=True).update(is_large=False)
    values: dict[str, Any] = {"mark": wanted, "workspace": work.workspace_id, "user": work.user_id, "limit": SLICE}
    with connection.cursor() as cursor:
        cursor.execute(MARK_SQL, values)
        done = cursor.rowcount
    result = {"rows": (work.result or {}).get("rows", 0) + done, "is_large": wanted}
    if done > LAST:
        return Again(IndexScope(), result=result)
    return Done(result, partial(_finish, work)) if wanted else Done(result)


def _finish(work: Work[IndexScope]) -> None:
    """Mark the few that came meanwhile, or were locked; from here on the tally's trigger marks what is added."""
    lock_writes(work.workspace_id, work.user_id)
    with connection.cursor() as cursor:
        cursor.execute(REST_SQL, {"workspace": work.workspace_id, "user": work.user_id})
    Tally.objects.filter(workspace_id=work.workspace_id, user_id=work.user_id).update(is_large=True)
