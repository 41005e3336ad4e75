"""Takes due jobs of many users, for the length of a lease: most urgent and oldest first, with a share for the rest."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from django.db import connection, transaction

from memory.jobs import kinds, locks
from memory.models import Priority
from monitoring import metrics

MESSAGES: Final = 1000  # that a claim's jobs name at most, unless one job alone names more: bounds the work of a lease
RESERVED: Final = 5  # every so many-th place of a claim is for the levels that are not the most urgent one
TRIES: Final = 3  # at finding users whom no other claim is taking at this very moment

# What may be claimed: due, of a kind that has room, of a user for whom nobody works. `running` counts whether its lease
# lives or not: until the sweeper has taken the jobs back, their worker may still write.
_DUE = """
state IN ('failed', 'pending') AND available_at <= %(now)s AND kind <> ALL (%(full)s)
  AND (workspace_id, user_id) NOT IN (SELECT workspace_id, user_id FROM busy)
"""
_OF_USER = " AND workspace_id = %(workspace)s AND user_id = %(user)s"

# `main` walks the index job_waiting (or job_waiting_by_user) in its order and stops at the limit; `heads` reads the
# first few entries of each level of it. `busy` is small: what runs now.
_PICK = """
WITH busy AS MATERIALIZED (
  SELECT DISTINCT workspace_id, user_id FROM memory_job WHERE state = 'running' AND user_id <> ''
), heads AS (
  SELECT head.id, level FROM generate_series(0, 4) AS level CROSS JOIN LATERAL (
    SELECT id FROM memory_job WHERE priority = level AND {due} ORDER BY id LIMIT %(reserved)s
  ) AS head WHERE %(reserved)s > 0
), spare AS MATERIALIZED (
  SELECT id FROM heads WHERE level > (SELECT min(level) FROM heads) ORDER BY id LIMIT %(reserved)s
), main AS (
  SELECT id, workspace_id, user_id, kind, priority, attempts, {weight} AS weight FROM memory_job WHERE {due}
  ORDER BY priority, id LIMIT %(limit)s - (SELECT count(*) FROM spare) FOR UPDATE SKIP LOCKED
), rest AS (
  SELECT id, workspace_id, user_id, kind, priority, attempts, {weight} AS weight FROM memory_job
  WHERE id IN (SELECT id FROM spare) AND {due} FOR UPDATE SKIP LOCKED
), picked AS MATERIALIZED (
  SELECT * FROM main UNION SELECT * FROM rest
), owners AS MATERIALIZED (
  SELECT DISTINCT workspace_id, user_id FROM picked WHERE user_id <> ''
), mine AS MATERIALIZED (
  SELECT workspace_id, user_id FROM owners
  WHERE pg_try_advisory_xact_lock(hashtextextended(workspace_id || ':' || user_id, %(lock)s))
)
SELECT picked.*, user_id = '' OR (workspace_id, user_id) IN (SELECT workspace_id, user_id FROM mine)
FROM picked ORDER BY priority, id
"""
# How many messages a job names; anything else is one piece of work
_WEIGHT = """
CASE WHEN jsonb_typeof(payload->'first') = 'number' AND jsonb_typeof(payload->'last') = 'number'
THEN (payload->>'last')::numeric - (payload->>'first')::numeric + 1 ELSE 1 END
"""
PICK_SQL = _PICK.format(due=_DUE, weight=_WEIGHT)
PICK_OF_USER_SQL = _PICK.format(due=_DUE + _OF_USER, weight=_WEIGHT)

# A new statement, so a new snapshot, under the users' locks: what of them is first now. Another claim that looked at
# the same rows may have them locked for a moment; then the place of a row tells that one before it is missing.
ORDER_SQL = f"""
SELECT job.id, job.workspace_id, job.user_id, job.kind, job.priority, job.attempts, {_WEIGHT} AS weight, place.number
FROM unnest(%(workspaces)s::uuid[], %(users)s::text[], %(levels)s::int[], %(counts)s::int[])
  AS wanted (workspace_id, user_id, level, count)
CROSS JOIN LATERAL (
  SELECT memory_job.id, row_number() OVER (ORDER BY memory_job.id) AS number FROM memory_job
  WHERE memory_job.workspace_id = wanted.workspace_id AND memory_job.user_id = wanted.user_id AND priority = level
    AND state IN ('failed', 'pending') AND available_at <= %(now)s AND kind <> ALL (%(full)s)
  ORDER BY memory_job.id LIMIT wanted.count
) AS place
JOIN memory_job AS job ON job.id = place.id
WHERE job.state IN ('failed', 'pending') AND NOT EXISTS (SELECT FROM memory_job AS other WHERE other.state = 'running'
  AND other.workspace_id = wanted.workspace_id AND other.user_id = wanted.user_id)
FOR UPDATE OF job SKIP LOCKED
"""
TAKE_SQL = """
UPDATE memory_job
SET state = 'running', claim = %(token)s, lease_until = %(until)s, started_at = %(now)s, attempts = attempts + 1
WHERE id = ANY (%(ids)s)
RETURNING id, workspace_id, user_id, kind, payload, priority, attempts, created_at, available_at, result, trace
"""
RUNNING_SQL = "SELECT kind, count(*) FROM memory_job WHERE state = 'running' AND kind = ANY (%s) GROUP BY kind"

_WAIT = {level: f"queue.{level.name.lower()}.wait" for level in Priority}

User = tuple[uuid.UUID, str]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that is held. `attempts` counts this run too."""

    id: uuid.UUID
    workspace_id: uuid.UUID
    user_id: str
    kind: str
    payload: dict[str, Any]
    priority: int
    attempts: int
    created_at: datetime
    available_at: datetime
    result: dict[str, Any] | None = None
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """Jobs that whoever knows `token` alone may finish. A user's jobs are all here or in no other claim.

    They are ordered by priority and age; `is_full` says that more was due than the claim had places for.
    """

    token: uuid.UUID
    jobs: Sequence[Claimed]
    is_full: bool = False


@dataclass(frozen=True, slots=True)
class _Picked:
    """A row that this transaction has locked, before it is decided whether it fits."""

    id: uuid.UUID
    workspace_id: uuid.UUID
    user_id: str
    kind: str
    priority: int
    attempts: int
    weight: int

    @property
    def user(self) -> User | uuid.UUID:
        """Whose turn it is; a job without a user is on its own."""
        return (self.workspace_id, self.user_id) if self.user_id else self.id


def claim(
    *,
    now: datetime,
    lease: timedelta,
    limit: int,
    users: int | None = None,
    low_first: bool = False,
    only: User | None = None,
) -> Claim | None:
    """Claim at most `limit` due jobs, of at most `users` users; None when there is nothing to do here.

    A fifth of the places goes to the oldest jobs of the levels below the most urgent one, and with `low_first` all of
    them, so that no level starves. `only` narrows it to one user. A user's jobs run in one worker at a time, in order
    of priority and age; one that failed before runs without others of its user, so that a poisoned job takes none down.
    """
    for _ in range(TRIES):
        with transaction.atomic():
            candidates, picked = _pick(now=now, limit=limit, low_first=low_first, only=only)
            chosen = list(_within_kinds(_chosen(picked, users)))
            token, jobs = _take(chosen, now=now, lease=lease)
        if jobs:
            return Claim(token, jobs, candidates >= limit)
        if not candidates:
            break
    return None


def _pick(*, now: datetime, limit: int, low_first: bool, only: User | None) -> tuple[int, list[_Picked]]:
    """How many candidates there are; and those that are ours, locked, in order."""
    reserved = limit if low_first else limit // RESERVED
    arguments: dict[str, Any] = {
        "now": now,
        "limit": limit,
        "reserved": 0 if only else reserved,
        "full": [kind for kind, room in _room(_limited()).items() if room <= 0],
        "lock": locks.CLAIM,
    }
    if only:
        arguments |= {"workspace": only[0], "user": only[1]}
    with connection.cursor() as cursor:
        # a claim that a crash of PostgreSQL forgets is no loss: its jobs wait again, and its token fences the worker
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute(PICK_OF_USER_SQL if only else PICK_SQL, arguments)
        rows = [(_Picked(*row), is_mine) for *row, is_mine in cursor.fetchall()]
    free = [job for job, _ in rows if not job.user_id]
    of_users = Counter(
        (job.workspace_id, job.user_id, job.priority) for job, is_mine in rows if job.user_id and is_mine
    )
    return len(rows), sorted(free + _in_order(of_users, arguments), key=lambda job: (job.priority, job.id))


def _in_order(wanted: Counter[tuple[uuid.UUID, str, int]], arguments: dict[str, Any]) -> list[_Picked]:
    """The first so many jobs of each locked user and level: none when somebody works for the user after all."""
    if not wanted:
        return []
    workspaces, users, levels = zip(*wanted, strict=True)
    of = {"workspaces": list(workspaces), "users": list(users), "levels": list(levels), "counts": list(wanted.values())}
    with connection.cursor() as cursor:
        cursor.execute(ORDER_SQL, arguments | of)
        rows = sorted(((_Picked(*row), number) for *row, number in cursor.fetchall()), key=lambda row: row[1])
    seen: Counter[tuple[uuid.UUID, str, int]] = Counter()
    jobs = []
    for job, number in rows:
        place = (job.workspace_id, job.user_id, job.priority)
        if number == seen[place] + 1:
            seen[place] += 1
            jobs.append(job)
    return jobs


def _chosen(picked: Sequence[_Picked], users: int | None) -> Iterator[_Picked]:
    """What of the candidates fits into one claim, in order."""
    seen: dict[User | uuid.UUID, bool] = {}  # user: whether their jobs go to the batch
    closed: set[User | uuid.UUID] = set()
    weight = 0
    for job in picked:
        if job.user in closed or (job.user not in seen and users is not None and len(seen) >= users):
            continue
        is_batch = kinds.is_batch(job.kind)
        is_next = job.user in seen
        weight += int(job.weight)
        too_much = weight > MESSAGES and bool(seen)
        # a user's jobs of both sorts in one claim would not run in their order
        if too_much or (is_next and (job.attempts or seen[job.user] != is_batch)):
            weight -= int(job.weight)
            closed.add(job.user)
            continue
        seen[job.user] = is_batch
        if job.attempts:
            closed.add(job.user)
        yield job


def _within_kinds(chosen: Iterable[_Picked]) -> Iterator[_Picked]:
    """Leave out what is over the limit of its kind, counted over all workers."""
    jobs = list(chosen)
    wanted = {job.kind for job in jobs} & set(_limited())
    room = _room([kind for kind in wanted if locks.try_lock_kind(kind)])
    for job in jobs:
        if job.kind in wanted:
            if room.get(job.kind, 0) <= 0:
                continue
            room[job.kind] -= 1
        yield job


def _limited() -> list[str]:
    return [kind.name for kind in kinds.all_kinds() if kind.concurrency is not None]


def _room(names: Sequence[str]) -> dict[str, int]:
    """How many more jobs of each limited kind may run now."""
    if not names:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(RUNNING_SQL, [list(names)])
        running = dict(cursor.fetchall())
    return {name: (kinds.kind_of(name).concurrency or 0) - running.get(name, 0) for name in names}


def _take(chosen: Sequence[_Picked], *, now: datetime, lease: timedelta) -> tuple[uuid.UUID, list[Claimed]]:
    token = uuid.uuid4()
    if not chosen:
        return token, []
    arguments: dict[str, Any] = {"token": token, "until": now + lease, "now": now, "ids": [job.id for job in chosen]}
    with connection.cursor() as cursor:
        cursor.execute(TAKE_SQL, arguments)
        jobs = [_claimed(row) for row in cursor.fetchall()]
    for job in jobs:
        metrics.observe(_WAIT[Priority(job.priority)], max(0.0, (now - job.available_at).total_seconds()))
    return token, sorted(jobs, key=lambda job: (job.priority, job.id))


def _claimed(row: tuple[Any, ...]) -> Claimed:
    id, workspace_id, user_id, kind, payload, priority, attempts, created_at, available_at, result, trace = row
    payload, result = orjson.loads(payload), None if result is None else orjson.loads(result)
    return Claimed(
        id, workspace_id, user_id, kind, payload, priority, attempts, created_at, available_at, result, trace
    )
