"""A drill's own workspace, in which it does the real thing: made for it, and removed with all that is in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction

from memory import caching
from memory.conversation.ingest import NewMessage, append, open_conversation
from memory.jobs.working.claim import Claimed
from memory.models import Conversation, Decision, Job, JobOutput, JobState, Memory, Message, Workspace
from memory.providers import configured
from memory.providers.standby import Standby

# Jobs of a drill that does them itself are due only then, so that no worker takes them.
LATER: Final = timedelta(hours=1)
LEASE: Final = timedelta(minutes=5)
LEFT: Final = 100  # workspaces removed at once


def make(scope: str) -> Workspace:
    return Workspace.objects.create(name=scope)


def remove(scope: str) -> None:
    """Remove the workspaces whose names begin so, with everything in them and what is cached of it."""
    for workspace in Workspace.objects.filter(name__startswith=scope)[:LEFT]:
        users = set(Conversation.objects.filter(workspace=workspace).values_list("user_id", flat=True))
        users |= set(Memory.objects.filter(workspace=workspace).values_list("user_id", flat=True))
        with transaction.atomic():
            jobs = Job.objects.filter(workspace=workspace)
            JobOutput.objects.filter(job_id__in=list(jobs.values_list("pk", flat=True))).delete()
            for model in (Decision, Memory, Message, Conversation, Job):
                model._default_manager.filter(workspace=workspace).delete()
            workspace.delete()
        for user in users:
            caching.forget_user(workspace.pk, user)


def local() -> Standby:
    """The local providers, first and behind: a drill of ours is no reason to pay somebody."""
    providers = configured.standby().local
    return Standby(first=providers, local=providers)


def say(workspace: Workspace, user_id: str, contents: Sequence[str], *, now: datetime) -> tuple[Conversation, UUID]:
    """A conversation of that user with these messages; and the job that processes them."""
    conversation, _ = open_conversation(workspace_id=workspace.pk, user_id=user_id, external_id=None)
    messages = [NewMessage("user", content) for content in contents]
    appended = append(workspace_id=workspace.pk, conversation_id=conversation.pk, messages=messages, now=now)
    assert appended.job_id is not None
    return conversation, appended.job_id


def take(ids: Sequence[UUID], *, now: datetime) -> tuple[UUID, list[Claimed]]:
    """Hold these jobs of a sandbox as a worker would, due or not; the token, and the jobs in order."""
    token = uuid4()
    mine = Job.objects.filter(pk__in=ids, state=JobState.PENDING)
    mine.update(state=JobState.RUNNING, claim=token, lease_until=now + LEASE, started_at=now, attempts=1)
    rows = Job.objects.filter(claim=token).order_by("priority", "pk")
    return token, [
        Claimed(
            row.pk,
            row.workspace_id,
            row.user_id,
            row.kind,
            row.payload,
            row.priority,
            row.attempts,
            row.created_at,
            row.available_at,
        )
        for row in rows
    ]
