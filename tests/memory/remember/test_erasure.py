from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from memory import caching
from memory.jobs import output
from memory.jobs.working.claim import claim
from memory.jobs.working.finish import LostLeaseError
from memory.models import (
    Conversation,
    Decision,
    Erasure,
    IndexedMessage,
    Job,
    JobState,
    Memory,
    Message,
    Revision,
    State,
)
from memory.remember import edit, forget, merge
from memory.work.messages.process import process
from monitoring.models import AuditEntry, Event
from tests.make import NOW, make_conversation, make_memory, make_tools, make_workspace, say, texts, work
from tests.memory.remember.made import LATER, act, decide, make_memories, provided
from tests.memory.work.doubles import ask, run_due

pytestmark = pytest.mark.django_db
SAID = "I'm allergic to peanuts."
FACT = "Is allergic to peanuts"


def place(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in report["places"] if one["place"] == name)


def left(report: dict[str, Any]) -> dict[str, int]:
    """Where something is left, and how much."""
    return {one["place"]: one["left"] for one in report["places"] if one["left"]}


def report_of(memory: Memory) -> dict[str, Any]:
    report: dict[str, Any] = Erasure.objects.filter(memory_id=memory.pk).latest("pk").report
    assert "peanut" not in str(report)
    return report


def learned() -> tuple[Conversation, Memory]:
    """A memory that the pipeline has made of a message."""
    conversation = make_conversation()
    say(conversation, SAID)
    work(conversation)
    return conversation, Memory.objects.get()


def vectors_asked(memory: Memory) -> int:
    """How many vectors of what was said the cache has not."""
    made: list[str] = []

    def make(texts: Sequence[str]) -> NDArray[np.float32]:
        made.extend(texts)
        return np.full((len(texts), 256), 0.5, dtype=np.float32)

    caching.embed_cached([SAID], model=memory.embedding_model, dimensions=256, make=make)
    return len(made)


def everything(model: Any) -> str:
    return orjson.dumps([list(row) for row in model.objects.values_list()], default=str).decode().casefold()


def test_forgetting_leaves_the_text_nowhere_but_in_what_was_said_and_says_so() -> None:
    conversation, memory = learned()
    provided(
        edit,
        memory,
        memory_id=memory.pk,
        text="Has a severe peanut allergy",
        reason="Severe peanut allergy, she has said",
    )
    other = make_memory("Is allergic to walnuts", memory.workspace)
    evidence = [{"guard": "entity", "a": ["walnuts"], "b": ["peanuts"]}]
    line = {"id": str(memory.pk), "similarity": 0.8, "score": 0.8, "relation": "apart", "guards": evidence}
    weighed = decide(other, None, "added", trace=[line | {"outcome": "kept_apart", "why": "peanuts, not walnuts"}])
    ask(memory.workspace, "process_text", text=FACT, metadata={"note": FACT})
    Job.objects.create(
        workspace=memory.workspace, user_id="mara", kind="generate_response", state=JobState.SUCCEEDED,
        payload={"query": "What may I eat?"}, result={"answer": f"No nuts. {FACT}."}, available_at=NOW,
    )  # fmt: skip
    export = Job.objects.create(
        workspace=memory.workspace, user_id="", kind="export", state=JobState.SUCCEEDED, available_at=NOW,
        finished_at=memory.created_at + timedelta(minutes=1),
    )  # fmt: skip
    output.write(export.pk, 0, [{"table": "memories", "text": FACT}])
    caching.RESPONSE.keep(f"{memory.workspace_id}:chat", "k", f"You said: {FACT.upper()}".encode())
    act(forget, memory, memory_id=memory.pk, reason=f"She does not want us to know: {FACT}")

    for model in (Memory, Revision, Decision, Job, Erasure):
        assert "peanut" not in everything(model), model
    assert not output.exists(export.pk)
    assert caching.RESPONSE.get(f"{memory.workspace_id}:chat", "k") is None
    weighed.refresh_from_db()
    assert weighed.text == other.text
    assert weighed.trace == [
        {"id": str(memory.pk), "similarity": 0.8, "score": 0.8, "relation": "apart", "outcome": "kept_apart"}
        | {"guards": [{"guard": "entity", "a": [], "b": []}]}
    ]
    waiting = Job.objects.get(kind="process_text")
    assert (waiting.state, waiting.history[-1]["event"]) == (JobState.CANCELLED, "erased")
    report = report_of(memory)
    message = Message.objects.get()
    index = {"search index": 1} if IndexedMessage.objects.exists() else {}
    assert left(report) == {"messages": 1, "audit log": 1} | index
    assert place(report, "audit log")["ids"] == [str(AuditEntry.objects.get(action="memory.edit").pk)]
    assert place(report, "messages")["ids"] == report["messages"] == [str(message.pk)]
    assert "messages=true" in place(report, "messages")["why"]
    assert (place(report, "memories")["erased"], place(report, "jobs")["erased"]) == (1, 2)
    work(conversation)
    assert texts(conversation) == ["Is allergic to walnuts"]


def test_the_message_goes_too_when_asked_and_its_conversations_summary_is_made_anew() -> None:
    conversation, memory = learned()
    say(conversation, "I work as a nurse.")
    work(conversation)
    of_another = decide(Memory.objects.get(text__contains="nurse"), None, "added")
    Conversation.objects.update(summary="Mara said she is allergic to peanuts.", summary_through=2)
    asked = [vectors_asked(memory) for _ in range(2)]
    act(forget, memory, memory_id=memory.pk, messages=True)
    assert [*asked, vectors_asked(memory)] == [1, 0, 1]
    said = Message.objects.get(position=1)
    assert (said.content, said.tokens) == ("[erased]", 0)
    assert not IndexedMessage.objects.filter(message=said).exists()
    conversation.refresh_from_db()
    assert (conversation.summary, conversation.summary_through, conversation.summary_version) == ("", 2, 1)
    assert left(report_of(memory)) == {}
    assert place(report_of(memory), "messages")["erased"] == 1
    of_another.refresh_from_db()
    assert of_another.text == "Works as a nurse"
    run_due(memory.workspace, now=LATER)
    conversation.refresh_from_db()
    assert "nurse" in conversation.summary
    assert "peanut" not in conversation.summary
    assert texts(conversation) == ["Works as a nurse"]


def test_what_was_said_may_go_later_than_the_memory() -> None:
    _, memory = learned()
    act(forget, memory, memory_id=memory.pk)
    act(forget, memory, memory_id=memory.pk, messages=True, reason="that, too")
    assert Message.objects.get().content == "[erased]"
    first, second = (row.report for row in Erasure.objects.order_by("pk"))
    assert (place(first, "messages")["left"], second["left"]) == (1, 0)
    assert memory.revisions.count() == 2
    act(forget, memory, memory_id=memory.pk, messages=True)
    assert Erasure.objects.count() == 2


def test_a_message_that_is_read_again_does_not_bring_back_what_was_forgotten_of_it() -> None:
    conversation = make_conversation()
    say(conversation, f"{SAID} I live in Leeds.")
    work(conversation)
    forgotten, kept = Memory.objects.filter(text=FACT).get(), Memory.objects.exclude(text=FACT).get()
    act(forget, forgotten, memory_id=forgotten.pk)
    ask(forgotten.workspace, "reread", messages=[str(Message.objects.get().pk)])
    assert "reread" in run_due(forgotten.workspace)
    assert texts(conversation) == [kept.text]


def test_what_says_the_same_is_named_and_goes_when_it_is_named_back() -> None:
    bare, rich, older = make_memories("Is allergic to nuts", "Is allergic to nuts and pollen", "Likes nuts")
    provided(merge, bare, memory_ids=[bare.pk, rich.pk])
    Memory.objects.filter(pk=older.pk).update(state=State.SUPERSEDED, replaced_by=rich)
    act(forget, bare, memory_id=rich.pk)
    also = Erasure.objects.get().report["also"]
    assert {(one["id"], one["state"], one["why"]) for one in also} == {
        (str(bare.pk), "merged", "merged into it"),
        (str(older.pk), "superseded", "was superseded by it"),
    }
    assert Memory.objects.get(pk=bare.pk).text
    act(forget, bare, memory_id=rich.pk, also=[bare.pk])
    assert not Memory.objects.get(pk=bare.pk).text
    assert set(Erasure.objects.values_list("memory_id", flat=True)) == {rich.pk, bare.pk}
    assert Erasure.objects.filter(memory_id=rich.pk).count() == 1
    assert Erasure.objects.get(memory_id=bare.pk).report["also"] == []


def test_a_richer_memory_that_has_the_words_is_found_and_nothing_of_other_users_or_workspaces() -> None:
    memory = make_memory("Runs 10 km")
    richer = make_memory("Runs 10 km every Sunday", memory.workspace)
    make_memory("Runs 10 km", memory.workspace, user_id="jonas")
    make_memory("Runs 10 km", make_workspace())
    act(forget, memory, memory_id=memory.pk)
    report = Erasure.objects.get().report
    assert report["also"] == [{"id": str(richer.pk), "state": "active", "why": "has its words"}]
    assert left(report) == {"memories": 1, "revisions": 1}
    assert Memory.objects.exclude(text="").count() == 3


def test_a_worker_that_has_read_the_text_already_writes_nothing_of_it() -> None:
    conversation, memory = learned()
    ask(memory.workspace, "process_text", text=FACT)
    user = (conversation.workspace_id, conversation.user_id)
    taken = claim(now=NOW, lease=timedelta(minutes=5), limit=10, only=user)
    assert taken is not None
    act(forget, memory, memory_id=memory.pk)
    with pytest.raises(LostLeaseError):
        process(taken.token, taken.jobs, tools=make_tools(), now=NOW)
    assert Job.objects.get(kind="process_text").state == JobState.CANCELLED
    assert texts(conversation) == []


def test_log_files_and_what_operators_read_are_looked_through(tmp_path: Any, settings: Any) -> None:
    memory = make_memory(FACT)
    settings.HOLDFAST_DIR = tmp_path
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "log").write_text(f"ERROR: duplicate key\nDETAIL: ({FACT.lower()})\n")
    Event.objects.create(kind="start", text=f"Somebody noted: {FACT}")
    act(forget, memory, memory_id=memory.pk)
    report = report_of(memory)
    assert left(report) == {"log files": 1, "events and alerts": 1}
    assert place(report, "log files")["ids"] == ["postgres/log"]


def test_a_text_of_signs_is_looked_for_as_it_is() -> None:
    memory = make_memory("100%_\\ it")
    make_memory("99 and it", memory.workspace)
    act(forget, memory, memory_id=memory.pk)
    report = Erasure.objects.get().report
    assert (report["left"], report["wordings"]) == (0, 1)
