from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from memory.dedupe.stored.candidates import Owner, Vectors
from memory.jobs.delivery.sweep import sweep
from memory.jobs.working.claim import claim
from memory.jobs.working.finish import LostLeaseError
from memory.models import Decision, Job, JobState, Kind, Memory, Message, Revision
from memory.providers.local.statements import kinds
from memory.remember import Statement, remember
from memory.work.messages.process import process
from tests.make import NOW, make_conversation, make_tools, make_workspace, say, texts, with_window, work

pytestmark = pytest.mark.django_db


def test_a_message_becomes_a_memory_with_revision_and_decision() -> None:
    conversation = make_conversation()
    appended = say(conversation, "I'm allergic to peanuts.")
    work(conversation)
    memory = Memory.objects.get()
    assert (memory.text, memory.state, memory.user_id) == ("Is allergic to peanuts", "active", "mara")
    assert memory.source_id == appended.items[0][0]
    assert memory.embedding is not None
    assert memory.embedding_model == "wordllama-256"
    revision = Revision.objects.get()
    assert (revision.number, revision.text, revision.cause) == (1, memory.text, "extracted")
    decision = Decision.objects.get()
    assert (decision.outcome, decision.memory_id, decision.message_id) == ("added", memory.pk, appended.items[0][0])
    job = Job.objects.get()
    assert (job.state, job.result) == (
        JobState.SUCCEEDED,
        {"messages": 1, "added": [str(memory.pk)], "duplicates": [], "merged": [], "superseded": [], "review": []},
    )
    assert Message.objects.get().processed_at == NOW


@pytest.mark.parametrize(
    "again", ["i'm allergic to peanuts", "I am allergic to peanuts!", "Well, I'm allergic to peanuts."]
)
def test_a_restated_fact_is_not_stored_twice(again: str) -> None:
    conversation = make_conversation()
    say(conversation, "I'm allergic to peanuts.")
    work(conversation)
    say(conversation, again)
    work(conversation)
    assert texts(conversation) == ["Is allergic to peanuts"]
    assert list(Decision.objects.order_by("id").values_list("outcome", flat=True)) == ["added", "duplicate"]


def test_a_fact_twice_in_one_batch_is_stored_once() -> None:
    conversation = make_conversation()
    say(conversation, "I'm allergic to peanuts.", "As I said, I am allergic to peanuts.")
    work(conversation)
    assert texts(conversation) == ["Is allergic to peanuts"]


def test_500_and_5000_are_never_one_fact() -> None:
    conversation = make_conversation()
    say(conversation, "I saved 500 euros for the trip.")
    say(conversation, "I saved 5000 euros for the trip.")
    work(conversation)
    decision = Decision.objects.order_by("id").last()
    assert decision is not None
    assert decision.outcome != "duplicate"
    assert "number" in {guard["guard"] for step in decision.trace for guard in step["guards"]}
    assert Memory.objects.count() == 2


def test_what_the_assistant_says_and_what_was_recalled_is_not_remembered() -> None:
    conversation = make_conversation()
    say(conversation, "I live in Leeds.", role="assistant")
    say(conversation, "I live in Leeds.", recalled=True)
    work(conversation)
    assert texts(conversation) == []
    assert Message.objects.filter(processed_at=None).count() == 0


def test_the_kinds_that_are_found_are_the_kinds_that_are_stored() -> None:
    assert {kind.value for kind in Kind} == {kind.value for kind in kinds.Kind}


def test_users_do_not_share_memories() -> None:
    workspace = make_workspace()
    for user in ("mara", "jonas"):
        conversation = make_conversation(workspace, user_id=user)
        say(conversation, "I'm allergic to peanuts.")
        work(conversation)
    assert Memory.objects.filter(text="Is allergic to peanuts").count() == 2


def test_processing_a_finished_message_again_changes_nothing() -> None:
    conversation = make_conversation()
    say(conversation, "I'm allergic to peanuts.")
    work(conversation)
    Job.objects.update(state=JobState.PENDING)
    work(conversation, now=NOW + timedelta(minutes=5))
    assert Memory.objects.count() == Decision.objects.count() == 1


def test_a_worker_that_lost_its_lease_writes_nothing() -> None:
    conversation = make_conversation()
    say(conversation, "I'm allergic to peanuts.")
    late = claim(now=NOW, lease=timedelta(seconds=1), limit=200)
    assert late is not None
    sweep(attempts=5, now=NOW + timedelta(seconds=2))
    with pytest.raises(LostLeaseError):
        process(late.token, late.jobs, tools=make_tools(), now=NOW + timedelta(seconds=3))
    assert Memory.objects.count() == 0
    assert Message.objects.get().processed_at is None


def test_a_long_conversation_is_folded_without_losing_a_message_between_summary_and_window() -> None:
    conversation = make_conversation()
    tools = make_tools(**with_window(400, 80))
    for number in range(40):
        say(conversation, f"On day {number} I walked the dog along the canal and bought {number + 2} apples.")
        work(conversation, tools=tools)
    conversation.refresh_from_db()
    window = Message.objects.filter(conversation=conversation, position__gt=conversation.summary_through)
    assert conversation.summary
    assert conversation.summary_version > 1
    assert 0 < conversation.summary_through < 40
    assert sum(window.values_list("tokens", flat=True)) <= 0.7 * 400


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_learn_the_same_fact_at_once_keep_it_once() -> None:
    workspace = make_workspace()
    tools = make_tools()
    embedded = tools.providers.embed(["Lives in Leeds"])
    vectors = Vectors(embedded.rows, embedded.model)
    statement = Statement("Lives in Leeds", "place", 0.5, "added", "tests")  # type: ignore[arg-type]
    together = threading.Barrier(8)

    def learn() -> None:
        together.wait()
        remember(owner=Owner(workspace.pk, "mara"), statements=[statement], vectors=vectors, terms=tools.terms)
        connection.close()

    workers = [threading.Thread(target=learn) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert Memory.objects.count() == 1
    assert sorted(Decision.objects.values_list("outcome", flat=True)) == ["added"] + ["duplicate"] * 7


def test_deciding_takes_the_same_queries_for_one_fact_and_for_fifty() -> None:
    counts = []
    for numbers in (range(2, 3), range(2, 52)):
        conversation = make_conversation()
        say(conversation, *[f"I have {number} red bicycles and {number} blue boats." for number in numbers])
        with CaptureQueriesContext(connection) as ran:
            work(conversation)
        counts.append(len(ran))
    assert counts[1] <= counts[0] + 3  # what needs to be retired, and looked at before
