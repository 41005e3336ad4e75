"""Finds the users whose jobs wait without a hint: the broker was away, lost it, or a backoff has ended."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from memory.models import Job, JobState

LIMIT = 500
HINT_AGAIN = timedelta(seconds=10)

User = tuple[uuid.UUID, str]


def due(*, now: datetime, limit: int = LIMIT) -> dict[User, int]:
    """Users to hint at, with their most urgent priority. Marks their jobs as hinted."""
    unhinted = Q(hinted_at=None) | Q(hinted_at__lt=now - HINT_AGAIN)
    with transaction.atomic():
        waiting = Job.objects.filter(unhinted, state=JobState.PENDING, available_at__lte=now)
        jobs = list(
            waiting.order_by("priority", "id")
            .select_for_update(skip_locked=True)
            .values_list("pk", "workspace_id", "user_id", "priority")[:limit]
        )
        Job.objects.filter(pk__in=[pk for pk, *_ in jobs]).update(hinted_at=now)
    users: dict[User, int] = {}
    for _, workspace_id, user_id, priority in jobs:
        users.setdefault((workspace_id, user_id), priority)
    return users


def hint_failed(users: list[User]) -> None:
    """The broker refused the hints: let the next dispatch send them again."""
    for workspace_id, user_id in users:
        Job.objects.filter(workspace_id=workspace_id, user_id=user_id, state=JobState.PENDING).update(hinted_at=None)
