from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from memory.conversation import indexing
from memory.models import IndexedMessage, Job, Message, Tally
from memory.providers.base import Said
from memory.search.messages import search
from memory.search.messages.words import ASKS, OF_ITSELF
from tests.make import NOW, make_conversation, make_providers, make_tools, say, work
from tests.memory.work.doubles import Remote, ask, result_of, run_due

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=1)


def said(message: Message) -> Said:
    return Said(message.role, message.content, message.said_at, message.name)


def test_a_message_is_indexed_by_the_job_that_reads_it() -> None:
    conversation = make_conversation()
    say(conversation, "Do I still owe you the ten euros from May?", name=" Ada  Byron ", said_at=NOW)
    work(conversation)
    row = IndexedMessage.objects.get()
    assert (row.speaker, row.user_id, row.position) == ("ada byron", "mara", 1)
    assert row.marks == ASKS | OF_ITSELF
    assert row.length == 5  # still, owe, ten, euros, May: its date and speaker don't make it longer
    assert row.embedding_model == "wordllama-256"
    words = set(row.words.replace("'", "").replace(":", " ").split())
    assert {"ada", "byron", "novemb", "thursday", "2026", "euro"} <= words


def test_what_is_not_remembered_can_be_found_all_the_same() -> None:
    conversation = make_conversation()
    say(conversation, "I live in Leeds.")
    say(conversation, "I live in Ghent.", recalled=True)
    say(conversation, "...", role="tool")
    work(conversation, tools=make_tools(remembers=lambda *user: False))
    assert IndexedMessage.objects.count() == 3
    found = search(workspace_id=conversation.workspace_id, user_id="mara", query="Ghent", embed=make_providers().embed)
    assert found.hits[0].content == "I live in Ghent."


def test_a_message_is_indexed_once_and_one_that_is_gone_not_at_all() -> None:
    conversation = make_conversation()
    say(conversation, "I live in Leeds.", "I have a dog.")
    work(conversation)
    Message.objects.update(processed_at=None)
    gone = Message.objects.latest("id")
    kept = Message.objects.earliest("id")
    spoken = [
        indexing.Spoken(message.pk, "mara", said(message), vector, "wordllama-256")
        for message, vector in zip((kept, gone), make_providers().embed(["a", "b"]).rows, strict=True)
    ]
    gone.delete()
    assert indexing.write(spoken) == 0
    assert IndexedMessage.objects.count() == Tally.objects.get().messages == 1


def test_messages_from_before_the_index_are_made_up_for_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory.work.upkeep.index.SLICE", 2)
    conversation = make_conversation()
    say(conversation, *(f"I have {number} dogs." for number in range(5)))
    work(conversation)
    IndexedMessage.objects.all().delete()
    say(conversation, "This one waits.", now=NOW)
    Job.objects.all().delete()
    job = ask(conversation.workspace, "index_messages", user_id="")
    assert run_due(conversation.workspace, user_id="") == ["index_messages"] * 4
    assert result_of(job) == {"indexed": 5}
    assert Tally.objects.get().messages == 5


def test_what_a_stand_in_embedded_is_embedded_again(remote: Remote) -> None:
    conversation = make_conversation()
    remote.away()
    say(conversation, "The weather is fine.")
    run_due(conversation.workspace)
    assert IndexedMessage.objects.get().embedding_model == "wordllama-256"
    remote.back()
    assert "index_messages" in run_due(conversation.workspace, now=LATER)
    assert IndexedMessage.objects.get().embedding_model == "remote-1"


def test_who_has_very_many_messages_is_put_into_the_large_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "MOST", 3)
    monkeypatch.setattr("memory.work.upkeep.index.ENLARGED", 2)
    conversation = make_conversation()
    say(conversation, *(f"I have {number} dogs." for number in range(5)))
    run_due(conversation.workspace)
    assert not IndexedMessage.objects.filter(in_large_scope=True).exists()
    assert set(run_due(conversation.workspace, now=LATER)) == {"enlarge_index"}
    say(conversation, "And one cat.")
    run_due(conversation.workspace)
    assert IndexedMessage.objects.filter(in_large_scope=True).count() == 6
    assert Tally.objects.get().has_many_messages


def test_the_whole_scope_is_one_walk_along_its_index() -> None:
    conversation = make_conversation()
    say(conversation, *(f"I have {number} dogs." for number in range(200)))
    work(conversation)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT * FROM memory_indexedmessage WHERE workspace_id = %s AND user_id = 'mara'"
            " ORDER BY conversation_id, position",
            [conversation.workspace_id],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "indexed_by_user" in plan
    assert "Sort" not in plan
