"""`python -m bench.quality.fill USER MESSAGES`: gives a user so many generated messages, indexed as the workers do."""

from __future__ import annotations

import random
import sys
import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connection

from memory.conversation import indexing
from memory.conversation.indexing import Spoken, embedded_text
from memory.conversation.ingest import NewMessage, append, open_conversation
from memory.models import IndexedMessage, Job, Message, Tally, Workspace
from memory.providers.base import Said
from memory.providers.local.embedder import LocalEmbedder

THREAD: Final = 500  # messages of a conversation
AT: Final = datetime(2024, 1, 1, tzinfo=UTC)
SYLLABLES: Final = ("ba", "co", "di", "fu", "ga", "he", "li", "mo", "na", "pe", "ri", "so", "ta", "ve", "wu", "zo")
WORDS: Final = [a + b + c for a in SYLLABLES for b in SYLLABLES for c in ("", "n", "rt", "sk")]


def sentence(pick: random.Random) -> str:
    """Words as frequent as in a language: the second half as often as the first, and so on (Zipf)."""
    return " ".join(WORDS[int(len(WORDS) ** pick.random()) - 1] for _ in range(pick.randint(4, 24)))


def fill(user_id: str, count: int) -> None:
    pick, workspace = random.Random(count), Workspace.objects.get(name="default")
    for first in range(0, count, THREAD):
        thread, _ = open_conversation(workspace_id=workspace.pk, user_id=user_id, external_id=f"{user_id}-{first}")
        said = [
            NewMessage(
                "user" if number % 2 else "assistant",
                sentence(pick),
                name="Ann" if number % 2 else "Bob",
                said_at=AT + timedelta(minutes=3 * number),
            )
            for number in range(first, min(first + THREAD, count))
        ]
        append(workspace_id=workspace.pk, conversation_id=thread.pk, messages=said, now=AT)
        _index(thread.pk, user_id)
    if count > 20_000:
        IndexedMessage.objects.filter(user_id=user_id).update(in_large_scope=True)
        Tally.objects.filter(user_id=user_id).update(has_many_messages=True)
    Message.objects.update(processed_at=AT)
    Job.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE memory_indexedmessage")


def _index(conversation_id: uuid.UUID, user_id: str) -> None:
    rows = list(Message.objects.filter(conversation_id=conversation_id).order_by("position"))
    said = [Said(row.role, row.content, row.said_at, row.name) for row in rows]
    embedder = LocalEmbedder()
    vectors = embedder.embed([embedded_text(one) for one in said])
    indexing.write(
        [
            Spoken(row.pk, user_id, one, vector, embedder.model)
            for row, one, vector in zip(rows, said, vectors, strict=True)
        ]
    )


if __name__ == "__main__":
    fill(sys.argv[1], int(sys.argv[2]))
