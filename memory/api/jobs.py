"""Jobs: background work, submitted, watched, cancelled and tried again."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from ninja import Query, Router, Status

from memory import access
from memory.api.auth import caller
from memory.api.pages import Cursor, Limit, newest_first
from memory.api.schemas import JobChange, JobIn, JobOut, JobStats, Kinds, Page, level_of
from memory.errors import ForbiddenError, InvalidError, NotFoundError
from memory.jobs import change, figures, kinds, output
from memory.jobs.delivery import hints
from memory.jobs.submit import submit
from memory.models import Job, JobState, Scope

router = Router(tags=["jobs"])


@router.post("", response={202: JobOut}, url_name="jobs")
def submit_job(request: HttpRequest, body: JobIn) -> Status[Any]:
    """Have something done in the background: a kind, what it is given, and how urgent it is.

    With a `key`, the job of this kind and user that waits under that key already is answered instead of a second one.
    When too much waits, the least urgent levels are refused first, with 503 and Retry-After.
    """
    kind = kinds.kind_of(body.kind)
    if kind.scope is None:
        caller(request)
        raise ForbiddenError(f"Jobs of kind {kind.name} are made by Holdfast itself; no key may submit them.")
    who = caller(request, kind.scope)
    job = submit(
        kind=body.kind,
        workspace_id=who.workspace_id,
        user_id=body.user_id,
        payload=body.payload,
        priority=body.priority,
        key=body.key,
        now=timezone.now(),
    )
    transaction.on_commit(partial(hints.wake, job.priority))
    return Status(202, job)


@router.get("", response=Page[JobOut], url_name="jobs")
def list_jobs(
    request: HttpRequest,
    limit: Limit,
    cursor: Cursor,
    state: Annotated[JobState | None, Query(None)] = None,
    kind: Annotated[str | None, Query(None, max_length=32)] = None,
    priority: Annotated[str | None, Query(None, description="A name, or 0 (critical) to 4 (bulk).")] = None,
    user_id: Annotated[str | None, Query(None)] = None,
) -> dict[str, Any]:
    """Jobs, newest first."""
    wanted = {"state": state, "kind": kind, "user_id": user_id, "priority": _level(priority)}
    rows = access.rows(Job, caller(request))
    rows = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
    return newest_first(rows, cursor=cursor, limit=limit)


@router.get("/dead", response=Page[JobOut], url_name="dead_jobs")
def list_dead_jobs(request: HttpRequest, limit: Limit, cursor: Cursor) -> dict[str, Any]:
    """Dead letters: jobs that failed in all their attempts, newest first, each with its error."""
    rows = access.rows(Job, caller(request)).filter(state=JobState.DEAD)
    return newest_first(rows, cursor=cursor, limit=limit)


@router.get("/stats", response=JobStats, url_name="job_stats")
def job_stats(request: HttpRequest) -> dict[str, Any]:
    """The installation's queue by priority: depth, running, age of the oldest, rates, and when it will be empty."""
    caller(request)
    return {"levels": figures.levels(timezone.now())}


@router.get("/kinds", response=Kinds, url_name="job_kinds")
def job_kinds(request: HttpRequest) -> dict[str, Any]:
    """The kinds that a key may submit, each with its bounds and the JSON schema of its payload."""
    caller(request)
    return {"items": [_kind(kind) for kind in kinds.all_kinds() if kind.scope is not None]}


@router.get("/{id}", response=JobOut, url_name="job")
def get_job(request: HttpRequest, id: UUID) -> Job:
    """One job: its state, attempts, error and history, and in `result` what came of it."""
    return access.find(Job, caller(request), id)


@router.post("/{id}/cancel", response=JobOut, url_name="cancel_job")
def cancel_job(request: HttpRequest, id: UUID, body: JobChange | None = None) -> Job:
    """Have a waiting job never run. One that runs, or is done, answers 409."""
    who = caller(request, Scope.WRITE)
    job = access.find(Job, who, id)
    return change.cancel(job, actor=who.key, reason=body.reason if body else "", now=timezone.now())


@router.post("/{id}/retry", response=JobOut, url_name="retry_job")
def retry_job(request: HttpRequest, id: UUID, body: JobChange | None = None) -> Job:
    """Try a dead, cancelled or failed job again now, with all its attempts. Any other answers 409."""
    who = caller(request, Scope.WRITE)
    job = access.find(Job, who, id)
    retried = change.retry(job, actor=who.key, reason=body.reason if body else "", now=timezone.now())
    transaction.on_commit(partial(hints.wake, retried.priority))
    return retried


@router.get("/{id}/output", url_name="job_output", openapi_extra={"responses": {200: {"description": "JSON lines"}}})
def get_job_output(request: HttpRequest, id: UUID) -> StreamingHttpResponse:
    """What the job made to be fetched, such as an export, as JSON lines. Needs the scope that submitting it needs."""
    who = caller(request)
    job = access.find(Job, who, id)
    if kinds.is_known(job.kind):
        who.require(kinds.kind_of(job.kind).scope or Scope.ADMIN)
    if job.state != JobState.SUCCEEDED or not output.exists(job.pk):
        raise NotFoundError(f"The job {id} has no output; it is {job.state}.")
    answer = StreamingHttpResponse(output.read(job.pk), content_type="application/jsonl")
    answer["Content-Disposition"] = f'attachment; filename="{job.kind}-{id}.jsonl"'
    return answer


def _level(priority: str | None) -> int | None:
    try:
        return None if priority is None else int(level_of(priority))
    except ValueError as problem:
        raise InvalidError(("priority", str(problem))) from None


def _kind(kind: kinds.Kind) -> dict[str, Any]:
    names = ("name", "title", "scope", "needs_user", "time_limit_s", "attempts", "concurrency")
    shown = {name: getattr(kind, name) for name in names}
    return shown | {"priority": kind.priority.name.lower(), "payload": kind.payload.model_json_schema()}
