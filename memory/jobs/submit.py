"""Writes a job into the outbox, inside the transaction of the work that asks for it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from memory.models import Job, Priority


def submit(
    *,
    kind: str,
    workspace_id: uuid.UUID,
    user_id: str,
    payload: dict[str, Any],
    now: datetime,
    priority: Priority = Priority.NORMAL,
    id: uuid.UUID | None = None,
) -> Job:
    """A pending job. The door sends the hint after the commit; `hinted_at` says that it is about to."""
    chosen = {} if id is None else {"id": id}
    return Job.objects.create(
        kind=kind,
        workspace_id=workspace_id,
        user_id=user_id,
        payload=payload,
        priority=priority,
        available_at=now,
        hinted_at=now,
        **chosen,
    )
