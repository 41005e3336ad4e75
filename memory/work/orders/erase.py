"""Removes all that a user said and all that was made of it, slice by slice; what stays is how much it was."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Model, QuerySet

from memory import caching
from memory.jobs.kinds import Again, Done, Work, job_kind
from memory.jobs.locks import lock_writes
from memory.models import (
    DIMENSIONS,
    Conversation,
    Decision,
    IndexedMessage,
    Job,
    JobOutput,
    Memory,
    Message,
    Priority,
    Revision,
    Scope,
    Served,
    Tally,
)
from memory.providers import configured
from memory.remember import erasure
from memory.work.payloads import EraseUser

SLICE: Final = 500  # rows of a table in one commit

# Walks the workspace's jobs, which are kept for days only. What waits for the user has nothing to work on any more.
JOBS_SQL = """
UPDATE memory_job
SET payload = '{}', result = NULL, error = '', key = '',
  history = jsonb_build_array(jsonb_build_object('at', %(at)s::text, 'event', 'erased', 'why', %(why)s::text)),
  state = CASE WHEN state IN ('pending', 'failed') THEN 'cancelled' ELSE state END,
  finished_at = coalesce(finished_at, %(now)s)
WHERE workspace_id = %(workspace)s AND user_id = %(user)s AND id <> %(own)s AND state <> 'running'
"""


@job_kind(
    "erase_user",
    EraseUser,
    title="Erase a user",
    priority=Priority.HIGH,
    time_limit_s=20.0,
    attempts=20,
    scope=Scope.ADMIN,
)
def erase_user(work: Work[EraseUser]) -> Done | Again:
    """Delete a slice of the first table that has rows of this user; when none has any, what jobs hold of them."""
    counts = dict(work.result or {})
    for name, rows in _tables(work):
        ids = list(rows.values_list("pk", flat=True)[:SLICE])
        if ids:
            counts[name] = counts.get(name, 0) + len(ids)
            if name == "memories":
                revisions = Revision.objects.filter(memory_id__in=ids).count()
                counts["revisions"] = counts.get("revisions", 0) + revisions
            return Again(work.payload, result=counts, write=partial(_delete, work, name, ids))
    counts["jobs"] = _jobs(work).count()
    return Done(counts, partial(_finish, work, dict(counts)))


def _tables(work: Work[Any]) -> list[tuple[str, QuerySet[Any]]]:
    """In the order in which they can be deleted: what refers to others first."""
    of = {"workspace_id": work.workspace_id, "user_id": work.user_id}
    said = {"workspace_id": work.workspace_id, "conversation__user_id": work.user_id}
    return [
        ("decisions", Decision.objects.filter(**of)),
        ("memories", Memory.objects.filter(**of)),
        ("messages", Message.objects.filter(**said)),
        ("conversations", Conversation.objects.filter(**of)),
    ]


def _jobs(work: Work[Any]) -> QuerySet[Job]:
    return Job.objects.filter(workspace_id=work.workspace_id, user_id=work.user_id).exclude(pk=work.job_id)


def _delete(work: Work[Any], name: str, ids: Sequence[UUID]) -> None:
    lock_writes(work.workspace_id, work.user_id)
    rows = dict(_tables(work))[name].model._default_manager.filter(pk__in=ids)
    if name == "memories":
        _forget_vectors(work, rows.values_list("text", flat=True))
        _raw_delete(Revision.objects.filter(memory_id__in=ids))
        _raw_delete(Served.objects.filter(memory_id__in=ids))
        Memory.objects.filter(replaced_by_id__in=ids).update(replaced_by=None)
    elif name == "messages":
        _forget_vectors(work, rows.values_list("content", flat=True))
        _raw_delete(IndexedMessage.objects.filter(message_id__in=ids))
    _raw_delete(rows)
    transaction.on_commit(lambda: caching.forget_user(work.workspace_id, work.user_id))


def _forget_vectors(work: Work[Any], texts: QuerySet[Any, Any]) -> None:
    written = list(texts)
    models = erasure.models_of(work.workspace_id, work.user_id, configured.standby())
    transaction.on_commit(lambda: caching.forget_embeddings(written, models=models, dimensions=DIMENSIONS) and None)


def _raw_delete(rows: QuerySet[Any, Any]) -> None:
    """Without the look-ups for what refers to the rows, which Django makes for each: here it is gone already."""
    model: type[Model] = rows.model
    key = model._meta.pk.column
    with connection.cursor() as cursor:
        sql, parameters = rows.values("pk").query.sql_with_params()
        cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE {key} IN ({sql})", parameters)


def _finish(work: Work[EraseUser], counts: dict[str, int]) -> None:
    """What jobs and exports hold of the user, the user's tally, and the proof that nothing is left."""
    counts["exports"] = erasure.erase_exports(work.workspace_id, work.user_id, since=None, now=work.now)
    JobOutput.objects.filter(job_id__in=_jobs(work).values("pk")).delete()
    arguments: dict[str, Any] = {
        "now": work.now,
        "at": work.now.isoformat(),  # as the other entries of a history
        "why": work.payload.reason or "The user was erased.",
        "workspace": work.workspace_id,
        "user": work.user_id,
        "own": work.job_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(JOBS_SQL, arguments)
    Tally.objects.filter(workspace_id=work.workspace_id, user_id=work.user_id).delete()
    erasure.report_user(
        work.workspace_id, work.user_id, counts, actor=f"job {work.job_id}", reason=work.payload.reason, now=work.now
    )
    transaction.on_commit(lambda: caching.forget_user(work.workspace_id, work.user_id))
