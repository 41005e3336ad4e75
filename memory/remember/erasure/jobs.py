"""Erases a text from the ledger of jobs: what they were given, what came of them, and exports that have it."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Q, QuerySet

from memory.jobs.kinds import PROCESS_TEXT
from memory.jobs.working import finish
from memory.models import OPEN, Job, JobOutput, JobState
from memory.remember.erasure.rows import ERASED, REFRESH_SUMMARY
from memory.remember.erasure.sought import Sought, holds

EXPORT, IMPORT, REREAD, ERASE_USER, ANSWER = "export", "import_messages", "reread", "erase_user", "generate_response"
NEVER: Final = 1_000_000  # attempts: being taken back is nobody's fault
STOPPED: Final = "A memory of this user was forgotten while this ran: it starts again."

# Walks the workspace's jobs, which are kept for days only. Each text in them by itself, however deep it lies.
JOBS_SQL = f"""
SELECT job.id, array_agg(DISTINCT inside #>> '{{}}')
FROM memory_job AS job
CROSS JOIN LATERAL jsonb_path_query(
  jsonb_build_array(job.payload, job.result, job.history, job.error), 'strict $.**') AS inside
WHERE job.workspace_id = %(workspace)s AND job.user_id IN (%(user)s, '') AND jsonb_typeof(inside) = 'string'
  AND {holds("(inside #>> '{}')")}
GROUP BY job.id ORDER BY job.id
"""


def stop_running(workspace_id: uuid.UUID, user_id: str, *, now: datetime) -> int:
    """Take back the user's running jobs, which may have read the text already, and exports; how many.

    They start again from what is left: what a worker finishes without its claim is rolled back.
    """
    mine = Q(user_id=user_id) & ~Q(kind=ERASE_USER) | Q(user_id="", kind=EXPORT)
    running = Job.objects.filter(mine, workspace_id=workspace_id, state=JobState.RUNNING).order_by("pk")
    jobs = list(running.select_for_update(no_key=True))
    for job in jobs:
        job.attempts = max(0, job.attempts - 1)
    finish.take_back(jobs, error=STOPPED, attempts=NEVER, now=now)
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(available_at=now)
    return len(jobs)


def erase_jobs(
    workspace_id: uuid.UUID,
    user_id: str,
    what: Sought,
    *,
    messages: bool,
    conversations: Collection[uuid.UUID],
    now: datetime,
) -> int:
    """Erase the text from jobs of the user and of the workspace; how many there were.

    Jobs that wait go on without it: a text that waits to be read for facts is not read. What waits to be imported
    stays, unless messages are erased, too; and so does a question that waits for its answer.
    """
    found = holding(workspace_id, user_id, what)
    count = 0
    for job in Job.objects.filter(pk__in=found).select_for_update(no_key=True).order_by("pk"):
        if _keeps(job, messages):
            continue
        _redact(job, set(found[job.pk]), now)
        count += 1
    return count + _restart_summaries(workspace_id, user_id, conversations)


def holding(workspace_id: uuid.UUID, user_id: str, what: Sought) -> dict[uuid.UUID, list[str]]:
    """The texts that hold it, by job."""
    arguments: dict[str, Any] = {"workspace": workspace_id, "user": user_id} | what.arguments
    with connection.cursor() as cursor:
        cursor.execute(JOBS_SQL, arguments)
        return dict(cursor.fetchall())


def exports(workspace_id: uuid.UUID, user_id: str) -> QuerySet[Job]:
    """The jobs that have handed the user's rows out, or do so."""
    return Job.objects.filter(workspace_id=workspace_id, kind=EXPORT, user_id__in=[user_id, ""])


def erase_exports(workspace_id: uuid.UUID, user_id: str, *, since: datetime | None, now: datetime) -> int:
    """Drop what exports that may have the text have made, and have those that go on begin again; how many pieces."""
    mine = exports(workspace_id, user_id)
    if since is not None:
        mine = mine.filter(Q(finished_at=None) | Q(finished_at__gte=since))
    ids = list(mine.values_list("pk", flat=True))
    count, _ = JobOutput.objects.filter(job_id__in=ids).delete()
    for job in mine.select_for_update(no_key=True):
        if job.state in OPEN:
            job.payload, job.result = {}, None
        finish.remember(job, event="erased", why="It may have what was erased since. Ask for it again.", now=now)
        job.save(update_fields=["payload", "result", "history"])
    return count


def _keeps(job: Job, messages: bool) -> bool:
    """Whether a job that waits needs the words: to import what was said, or to answer what was asked."""
    return job.state in OPEN and (job.kind == ANSWER or (job.kind == IMPORT and not messages))


def _redact(job: Job, texts: set[str], now: datetime) -> None:
    if job.kind == REREAD and job.state in OPEN:
        left = [one for one in job.payload.get("texts", []) if one.get("text") not in texts]
        job.payload = job.payload | {"texts": left}
    elif job.kind == REFRESH_SUMMARY and job.state in OPEN:
        job.payload = {"conversation": job.payload["conversation"]}
    else:
        job.payload = _without(job.payload, texts)
    job.result, job.history = _without(job.result, texts), _without(job.history, texts)
    job.error = ERASED if job.error in texts else job.error
    if job.kind == PROCESS_TEXT and job.state in OPEN:
        job.state, job.finished_at, job.key = JobState.CANCELLED, now, ""
    finish.remember(job, event="erased", why="The text in it was forgotten.", now=now)
    job.save(update_fields=["payload", "result", "history", "error", "state", "finished_at", "key"])


def _restart_summaries(workspace_id: uuid.UUID, user_id: str, conversations: Collection[uuid.UUID]) -> int:
    """Have summaries that are half made of erased messages begin again."""
    count = 0
    waiting = Job.objects.filter(workspace_id=workspace_id, user_id=user_id, kind=REFRESH_SUMMARY, state__in=OPEN)
    for id in conversations:
        begun = waiting.filter(payload__conversation=str(id)).exclude(payload__summary="")
        count += begun.update(payload={"conversation": str(id)}, result=None)
    return count


def _without(value: Any, texts: set[str]) -> Any:
    if isinstance(value, str):
        return ERASED if value in texts else value
    if isinstance(value, dict):
        return {name: _without(inside, texts) for name, inside in value.items()}
    if isinstance(value, list):
        return [_without(inside, texts) for inside in value]
    return value
