"""Jobs: what became of the work that a write started."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from memory import access
from memory.api.auth import caller
from memory.api.pages import Cursor, Limit, newest_first
from memory.api.schemas import JobOut, Page
from memory.models import Job, JobState

router = Router(tags=["jobs"])


@router.get("", response=Page[JobOut], url_name="jobs")
def list_jobs(
    request: HttpRequest, limit: Limit, cursor: Cursor, state: Annotated[JobState | None, Query(None)] = None
) -> dict[str, Any]:
    """Jobs, newest first."""
    rows = access.rows(Job, caller(request))
    return newest_first(rows if state is None else rows.filter(state=state), cursor=cursor, limit=limit)


@router.get("/{id}", response=JobOut, url_name="job")
def get_job(request: HttpRequest, id: UUID) -> Job:
    """One job: its state, attempts, error, and in `result` the memories that it added or found known."""
    return access.find(Job, caller(request), id)
