"""Brings messages in, and hands a user's or a workspace's rows out as JSON lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.db.models import QuerySet

from memory.conversation.ingest import NewMessage, append, open_conversation
from memory.errors import ConflictError, OverloadedError
from memory.jobs import output
from memory.jobs.kinds import Again, Done, Work, job_kind
from memory.models import Conversation, Memory, Message, Priority, Scope
from memory.work.payloads import Export, ImportMessages

SLICE: Final = 500  # rows in one piece of an export

Record = dict[str, Any]


@job_kind(
    "import_messages",
    ImportMessages,
    title="Import messages",
    priority=Priority.BULK,
    time_limit_s=20.0,
    scope=Scope.WRITE,
)
def import_messages(work: Work[ImportMessages]) -> Done | Again:
    """Append the messages to their conversation. What is there already stays, so a second run of it adds nothing.

    They are committed before the job is done, since what they become has to be asked for: a full queue is waited for.
    """
    given = work.payload
    opened, _ = open_conversation(
        workspace_id=work.workspace_id, user_id=work.user_id, external_id=given.conversation
    )  # fmt: skip
    if opened.user_id != work.user_id:
        raise ConflictError(f"The conversation {given.conversation!r} belongs to another user.")
    messages = [
        NewMessage(
            role=message.role.value,
            content=message.content,
            external_id=message.external_id or f"{work.job_id}:{number}",
            name=message.name,
            said_at=message.created_at,
            recalled=message.recalled,
        )
        for number, message in enumerate(given.messages)
    ]
    try:
        appended = append(
            workspace_id=work.workspace_id,
            conversation_id=opened.pk,
            messages=messages,
            now=work.now,
            priority=Priority.BULK,
        )
    except OverloadedError as problem:
        return Again(given, after=timedelta(seconds=problem.retry_after_s), result={"waits_for": str(problem)})
    return Done({"conversation_id": str(opened.pk), "messages": len(messages), "added": appended.added})


@job_kind(
    "export",
    Export,
    title="Export",
    priority=Priority.BULK,
    time_limit_s=20.0,
    scope=Scope.ADMIN,
    needs_user=False,
)
def export(work: Work[Export]) -> Done | Again:
    """Conversations, messages and memories, each row a line of JSON that says what it is; the ids are ours."""
    given = work.payload
    table, rows, record = _TABLES[given.table]
    mine = rows(work)
    if given.after is not None:
        mine = mine.filter(pk__gt=given.after)
    found = list(mine.order_by("pk")[:SLICE])
    result = dict(work.result or {name: 0 for name, _, _ in _TABLES})
    result[table] += len(found)
    records = [{"table": table, **record(row)} for row in found]
    write = partial(output.write, work.job_id, given.number, records)
    if len(found) == SLICE:
        following = Export(table=given.table, after=found[-1].pk, number=given.number + 1)
    elif given.table + 1 < len(_TABLES):
        following = Export(table=given.table + 1, number=given.number + 1)
    else:
        return Done(result, write)
    return Again(following, result=result, write=write)


def _conversations(work: Work[Export]) -> QuerySet[Any]:
    mine = Conversation.objects.filter(workspace_id=work.workspace_id)
    return mine.filter(user_id=work.user_id) if work.user_id else mine


def _messages(work: Work[Export]) -> QuerySet[Any]:
    mine = Message.objects.filter(workspace_id=work.workspace_id)
    return mine.filter(conversation__user_id=work.user_id) if work.user_id else mine


def _memories(work: Work[Export]) -> QuerySet[Any]:
    mine = Memory.objects.filter(workspace_id=work.workspace_id).defer("embedding", "search")
    return mine.filter(user_id=work.user_id) if work.user_id else mine


def _fields(*names: str) -> Callable[[Any], Record]:
    return lambda row: {name: getattr(row, name) for name in names}


_CONVERSATION = _fields(
    *("id", "external_id", "user_id", "agent_id", "app_id", "run_id", "metadata", "length"),
    *("summary", "summary_through", "created_at", "updated_at"),
)
_MESSAGE = _fields(
    *("id", "conversation_id", "position", "role", "name", "content", "external_id", "recalled"),
    *("said_at", "created_at"),
)
_MEMORY = _fields(
    *("id", "user_id", "agent_id", "app_id", "run_id", "text", "kind", "state", "replaced_by_id", "valid_from"),
    *("valid_to", "expires_at", "importance", "pinned", "metadata", "source_id", "version", "created_at", "updated_at"),
)
_TABLES: Final[tuple[tuple[str, Callable[[Work[Export]], QuerySet[Any]], Callable[[Any], Record]], ...]] = (
    ("conversations", _conversations, _CONVERSATION),
    ("messages", _messages, _MESSAGE),
    ("memories", _memories, _MEMORY),
)
