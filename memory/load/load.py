"""Posts turns through the same verbs as the API: again means nothing new, so a load that stopped just starts over."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, islice

from memory.ingest import append, open_conversation
from memory.load.records import Bad, Turn
from memory.models import Priority

CHUNK = 200  # messages a transaction


@dataclass(slots=True)
class Report:
    """What a load did."""

    read: int = 0
    added: int = 0
    bad: list[Bad] = field(default_factory=list)
    users: set[str] = field(default_factory=set)


def load(
    records: Iterable[Turn | Bad],
    *,
    workspace_id: uuid.UUID,
    clock: Callable[[], datetime],
    on_chunk: Callable[[str, int], None],
    priority: Priority = Priority.BULK,
) -> Report:
    """Append every turn to its conversation; `on_chunk(user_id, messages)` is called after each commit."""
    report = Report()
    for (conversation, user_id), turns in groupby(_good(records, report), key=lambda t: (t.conversation, t.user_id)):
        opened, _ = open_conversation(workspace_id=workspace_id, user_id=user_id, external_id=conversation)
        report.users.add(opened.user_id)
        while chunk := [turn.message for turn in islice(turns, CHUNK)]:
            appended = append(
                workspace_id=workspace_id,
                conversation_id=opened.pk,
                messages=chunk,
                now=clock(),
                priority=priority,
            )
            report.read += len(chunk)
            report.added += appended.added
            on_chunk(opened.user_id, len(chunk))
    return report


def _good(records: Iterable[Turn | Bad], report: Report) -> Iterator[Turn]:
    for record in records:
        if isinstance(record, Bad):
            report.bad.append(record)
        else:
            yield record
