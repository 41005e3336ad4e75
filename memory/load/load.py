"""Posts turns through the same verbs as the API: again means nothing new, so a load that stopped just starts over."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, islice

from memory.conversation.ingest import Appended, append, open_conversation
from memory.errors import OverloadedError
from memory.load.records import Bad, Turn
from memory.models import Priority

CHUNK = 200  # messages a transaction
PATIENCE_S = 600  # with a full queue, for one chunk


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
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Append every turn to its conversation; `on_chunk(user_id, messages)` is called after each commit.

    Where the queue is full it waits as long as it is told to, up to ten minutes for one chunk; then raises
    OverloadedError.
    """
    report = Report()
    for (conversation, user_id), turns in groupby(_good(records, report), key=lambda t: (t.conversation, t.user_id)):
        opened, _ = open_conversation(workspace_id=workspace_id, user_id=user_id, external_id=conversation)
        report.users.add(opened.user_id)
        while chunk := [turn.message for turn in islice(turns, CHUNK)]:
            appended = _patiently(
                lambda messages=chunk, id=opened.pk: append(  # type: ignore[misc]
                    workspace_id=workspace_id, conversation_id=id, messages=messages, now=clock(), priority=priority
                ),
                sleep,
            )
            report.read += len(chunk)
            report.added += appended.added
            on_chunk(opened.user_id, len(chunk))
    return report


def _patiently(post: Callable[[], Appended], sleep: Callable[[float], None]) -> Appended:
    """What `post` answers, once the queue takes it."""
    waited_s = 0
    while True:
        try:
            return post()
        except OverloadedError as full:
            if waited_s >= PATIENCE_S:
                raise
            sleep(full.retry_after_s)
            waited_s += full.retry_after_s


def _good(records: Iterable[Turn | Bad], report: Report) -> Iterator[Turn]:
    for record in records:
        if isinstance(record, Bad):
            report.bad.append(record)
        else:
            yield record
