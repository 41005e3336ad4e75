"""Writes jobs into the outbox, inside the transaction of the work that asks for them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from django.db import connection
from pydantic import ValidationError

from memory.errors import ConflictError, InvalidError
from memory.jobs import gate
from memory.jobs.kinds import Kind, Payload, kind_of
from memory.models import WAITING, Job, JobState, Priority
from monitoring import metrics
from monitoring.ids import uuid7
from monitoring.tracing import trace

KEY_LENGTH: Final = 100
TRIES: Final = 3

# By hand, since it is part of the hot write. A conflict can only be about the key.
INSERT_SQL = """
INSERT INTO memory_job (id, created_at, workspace_id, user_id, kind, key, priority, state, payload, error, history,
  attempts, available_at, trace)
SELECT row.id, %(now)s, %(workspace)s, row.user_id, %(kind)s, %(key)s, %(priority)s, 'pending', row.payload::jsonb, '',
  '[]', 0, %(available_at)s, %(trace)s
FROM unnest(%(ids)s::uuid[], %(users)s::text[], %(payloads)s::text[]) AS row (id, user_id, payload)
ON CONFLICT DO NOTHING
"""


def submit(
    *,
    kind: str,
    workspace_id: uuid.UUID,
    user_id: str,
    payload: Payload | dict[str, Any],
    now: datetime,
    priority: Priority | None = None,
    id: uuid.UUID | None = None,
    key: str = "",
    available_at: datetime | None = None,
    is_follow_up: bool = False,
) -> Job:
    """A pending job, or the waiting one of this kind and user that has the same `key`. The door wakes the workers.

    Without a priority it has its kind's. Raises InvalidError, naming the field, for an unknown kind or a payload that
    does not fit, and OverloadedError when too much waits already; a follow-up of work that was taken passes.
    """
    of = kind_of(kind)
    body = validated(of, payload).model_dump_json()
    job = Job(
        id=id or uuid7(),
        created_at=now,
        workspace_id=workspace_id,
        user_id=_user(of, user_id),
        kind=kind,
        key=_key(key),
        priority=of.priority if priority is None else priority,
        state=JobState.PENDING,
        payload=orjson.loads(body),
        available_at=available_at or now,
    )
    if not is_follow_up:
        gate.check(Priority(job.priority), now=now)
    return _insert_once(job, body)


def submit_many(
    *,
    kind: str,
    workspace_id: uuid.UUID,
    user_ids: Sequence[str],
    payloads: Sequence[Payload | dict[str, Any]],
    now: datetime,
    priority: Priority | None = None,
    available_at: datetime | None = None,
    key: str = "",
    is_follow_up: bool = False,
) -> list[uuid.UUID]:
    """One pending job per user id and payload, in one statement; their ids. Raises what `submit` does.

    With a key, users for whom such a job waits already get no other.
    """
    of = kind_of(kind)
    urgency = of.priority if priority is None else priority
    users = [_user(of, user_id) for user_id in user_ids]
    bodies = [validated(of, payload).model_dump_json() for payload in payloads]
    ids = [uuid7() for _ in bodies]
    if not is_follow_up:
        gate.check(urgency, now=now)
    _insert(
        Job(
            workspace_id=workspace_id,
            kind=kind,
            key=_key(key),
            priority=urgency,
            available_at=available_at or now,
            created_at=now,
        ),
        ids,
        users,
        bodies,
    )
    return ids


def validated(kind: Kind, payload: Payload | dict[str, Any]) -> Payload:
    """The payload as its kind's type. Raises InvalidError with paths such as `payload.first`."""
    if isinstance(payload, kind.payload):
        return payload
    try:
        return kind.payload.model_validate(payload)
    except ValidationError as problem:
        faults = [(".".join(map(str, ("payload", *fault["loc"]))), fault["msg"]) for fault in problem.errors()]
        raise InvalidError(*faults) from None


def _insert_once(job: Job, body: str) -> Job:
    """Insert the job, or find the one that waits with its key."""
    for _ in range(TRIES):
        if _insert(job, [job.pk], [job.user_id], [body]):
            return job
        waiting = Job.objects.filter(
            workspace_id=job.workspace_id, kind=job.kind, user_id=job.user_id, key=job.key, state__in=WAITING
        ).first()
        if waiting is not None:
            return waiting
        # a worker took it between the two statements: then this one is new work
    raise ConflictError(f"Jobs of kind {job.kind} with the key {job.key!r} come and go too fast; try again.")


def _insert(job: Job, ids: Sequence[uuid.UUID], users: Sequence[str], payloads: Sequence[str]) -> int:
    arguments: dict[str, Any] = {
        "now": job.created_at,
        "workspace": job.workspace_id,
        "kind": job.kind,
        "key": job.key,
        "priority": int(job.priority),
        "available_at": job.available_at,
        "trace": trace.carried(),
        "ids": list(ids),
        "users": list(users),
        "payloads": list(payloads),
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT_SQL, arguments)
        inserted: int = cursor.rowcount
    metrics.count(f"queue.{Priority(job.priority).name.lower()}.in", inserted)
    return inserted


def _user(kind: Kind, user_id: str) -> str:
    if kind.needs_user and not user_id:
        raise InvalidError(("user_id", f"a job of kind {kind.name} is about one user; name them"))
    return user_id


def _key(key: str) -> str:
    if len(key) > KEY_LENGTH:
        raise InvalidError(("key", f"must be at most {KEY_LENGTH} characters, got {len(key)}"))
    return key
