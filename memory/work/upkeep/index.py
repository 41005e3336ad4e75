"""Keeps the index of messages: writes it, makes up for what it lacks, and opens it for users with very many."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from django.db import connection

from memory.conversation import indexing
from memory.conversation.indexing import Spoken
from memory.jobs.kinds import Again, Done, Work, job_kind
from memory.jobs.locks import lock_writes
from memory.models import IndexedMessage, Priority, Scope, Tally
from memory.providers.base import ProviderError, Said
from memory.work import tools
from memory.work.messages.share import Share
from memory.work.payloads import Enlarge, IndexMessages
from memory.work.upkeep.redo import ENLARGE, INDEX, later

SLICE: Final = 500  # messages that are looked at in one run
ENLARGED: Final = 200  # messages that go into the indexes of words and vectors in one run, at 1 to 3 ms each

# So many messages by the primary key and no more, whosever they are, or by a sort of one user's; then which of them
# the index lacks, or has with the vector of another model.
LACKING_SQL = """
WITH seen AS MATERIALIZED (
  SELECT id FROM memory_message
  WHERE (%(after)s::uuid IS NULL OR id > %(after)s::uuid) {of_user} ORDER BY id LIMIT %(slice)s
)
SELECT said.id, of.user_id, said.role, said.content, said.said_at, said.name, said.recalled
FROM seen JOIN memory_message AS said USING (id)
JOIN memory_conversation AS of ON of.id = said.conversation_id
LEFT JOIN memory_indexedmessage AS known ON known.message_id = said.id
WHERE said.workspace_id = %(workspace)s AND said.processed_at IS NOT NULL
  AND (known.message_id IS NULL OR known.embedding_model NOT IN ('', %(model)s))
ORDER BY said.id
"""
OF_USER_SQL = """
AND conversation_id IN (SELECT id FROM memory_conversation WHERE workspace_id = %(workspace)s AND user_id = %(user)s)
"""
SEEN_SQL = """
SELECT count(*)::int, (array_agg(id ORDER BY id DESC))[1] FROM (
  SELECT id FROM memory_message
  WHERE (%(after)s::uuid IS NULL OR id > %(after)s::uuid) {of_user} ORDER BY id LIMIT %(slice)s
) AS seen
"""


def write(shares: Sequence[Share]) -> list[indexing.User]:
    """Index what these users said; those of them who have too many messages now to be read as a whole."""
    spoken = [
        Spoken(id, share.user[1], said, vector, share.spoken_vectors.model)
        for share in shares
        for (id, said), vector in zip(share.spoken.items(), share.spoken_vectors.rows, strict=True)
    ]
    indexing.write(spoken)
    return indexing.grown([share.user for share in shares if share.spoken])


@job_kind(
    INDEX,
    IndexMessages,
    title="Index messages",
    priority=Priority.LOW,
    time_limit_s=20.0,
    scope=Scope.ADMIN,
    needs_user=False,
)
def index_messages(work: Work[IndexMessages]) -> Done | Again:
    """Index the messages of a user, or of the workspace, that were read before there was an index or by a stand-in."""
    embedder = tools.from_settings().providers.first.embedder
    arguments = {
        "workspace": work.workspace_id,
        "user": work.user_id,
        "after": work.payload.after,
        "model": embedder.model,
        "slice": SLICE,
    }
    seen, last, lacking = _lacking(arguments)
    result = {"indexed": 0} if work.result is None else dict(work.result)
    result.pop("waits_for", None)
    try:
        vectors = embedder.embed([indexing.embedded_text(said) for _, _, said in lacking]) if lacking else ()
    except ProviderError as problem:
        return later(work, work.payload, problem)
    spoken = [
        Spoken(id, user_id, said, vector, embedder.model)
        for (id, user_id, said), vector in zip(lacking, vectors, strict=True)
    ]
    result["indexed"] += len(spoken)
    write = partial(indexing.write, spoken)
    if seen < SLICE:
        return Done(result, write)
    return Again(IndexMessages(after=last), result=result, write=write)


@job_kind(ENLARGE, Enlarge, title="Open large indexes", priority=Priority.LOW, time_limit_s=20.0)
def enlarge(work: Work[Enlarge]) -> Done | Again:
    """Put the messages of a user with very many into the indexes of words and vectors: small scopes need neither."""
    waiting = IndexedMessage.objects.filter(workspace_id=work.workspace_id, user_id=work.user_id, in_large_scope=False)
    ids = list(waiting.values_list("pk", flat=True)[:ENLARGED])
    result = {"messages": (work.result or {}).get("messages", 0) + len(ids)}
    write = partial(_enlarge, work, ids)
    return Again(Enlarge(), result=result, write=write) if len(ids) == ENLARGED else Done(result, write)


def _enlarge(work: Work[Any], ids: Sequence[uuid.UUID]) -> None:
    lock_writes(work.workspace_id, work.user_id)
    # what is said from here on goes there at once
    Tally.objects.filter(workspace_id=work.workspace_id, user_id=work.user_id).update(has_many_messages=True)
    IndexedMessage.objects.filter(pk__in=ids).update(in_large_scope=True)


def _lacking(arguments: dict[str, Any]) -> tuple[int, uuid.UUID | None, list[tuple[uuid.UUID, str, Said]]]:
    """How many messages were looked at, the last of them, and those that are to be indexed with their user."""
    of_user = OF_USER_SQL if arguments["user"] else ""
    with connection.cursor() as cursor:
        cursor.execute(SEEN_SQL.format(of_user=of_user), arguments)
        seen, last = cursor.fetchone()
        cursor.execute(LACKING_SQL.format(of_user=of_user), arguments)
        lacking = [(id, user_id, Said(*said)) for id, user_id, *said in cursor.fetchall()]
    return seen, last, lacking
