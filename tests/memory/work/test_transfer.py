from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.test import override_settings

from memory.jobs import gate, output
from memory.models import Conversation, Erasure, IndexedMessage, Job, JobOutput, JobState, Memory, Message, Tally
from memory.work.orders import erase, transfer
from tests.make import NOW, make_conversation, make_memory, make_workspace, say
from tests.memory.work.doubles import ask, result_of, run_due

pytestmark = pytest.mark.django_db
SAID: list[dict[str, Any]] = [
    {"role": "user", "content": "I live in Leeds.", "created_at": "2026-01-02T03:04:05Z"},
    {"role": "assistant", "content": "Noted.", "external_id": "answer-1", "name": "Bot"},
]


def test_an_import_appends_the_messages_and_has_them_processed() -> None:
    workspace = make_workspace()
    job = ask(workspace, "import_messages", conversation="old chat", messages=SAID)
    run_due(workspace)
    job.refresh_from_db()
    conversation = Conversation.objects.get(external_id="old chat")
    assert job.result == {"conversation_id": str(conversation.pk), "messages": 2, "added": 2}
    first, second = Message.objects.order_by("position")
    assert (first.content, first.said_at.isoformat()) == ("I live in Leeds.", "2026-01-02T03:04:05+00:00")
    assert (second.external_id, second.name, second.said_at) == ("answer-1", "Bot", NOW)
    assert Memory.objects.get().text == "Lives in Leeds"


def test_an_import_that_runs_twice_adds_nothing_the_second_time() -> None:
    workspace = make_workspace()
    job = ask(workspace, "import_messages", conversation="old chat", messages=SAID)
    run_due(workspace)
    Job.objects.filter(pk=job.pk).update(state=JobState.PENDING)
    run_due(workspace)
    job.refresh_from_db()
    assert result_of(job)["added"] == 0
    assert Message.objects.count() == 2


def test_an_import_into_somebody_elses_conversation_fails() -> None:
    workspace = make_workspace()
    make_conversation(workspace, user_id="jonas", external_id="theirs")
    job = ask(workspace, "import_messages", conversation="theirs", messages=SAID)
    run_due(workspace)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "another user" in job.error
    assert Message.objects.count() == 0


def test_an_import_waits_for_a_full_queue_without_a_failed_attempt() -> None:
    workspace = make_workspace()
    job = ask(workspace, "import_messages", conversation="old chat", messages=SAID)
    with override_settings(HOLDFAST_QUEUE_LIMIT=1):
        gate.forget()
        run_due(workspace)
    gate.forget()
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.PENDING, 0)
    assert job.available_at > NOW


@pytest.mark.parametrize("user_id", ["mara", ""])
def test_an_export_has_every_row_of_the_user_or_the_workspace_once(user_id: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(transfer, "SLICE", 3)
    workspace = make_workspace()
    conversation = make_conversation(workspace)
    say(conversation, *[f"I have {number} maps." for number in range(2, 9)])
    make_memory("Lives in Leeds", workspace=workspace)
    say(make_conversation(workspace, user_id="jonas"), "Hello.")
    make_memory(workspace=make_workspace())
    Job.objects.all().delete()
    job = ask(workspace, "export", user_id=user_id)
    run_due(workspace, user_id=user_id)
    job.refresh_from_db()
    others = 0 if user_id else 1
    assert job.result == {"conversations": 1 + others, "messages": 7 + others, "memories": 1}
    lines = [orjson.loads(line) for line in b"".join(output.read(job.pk)).splitlines()]
    assert len(lines) == 9 + 2 * others
    assert len({line["id"] for line in lines}) == len(lines)
    memory = next(line for line in lines if line["table"] == "memories")
    assert (memory["text"], memory["user_id"], memory["state"]) == ("Lives in Leeds", "mara", "active")
    assert "embedding" not in memory


def test_erasing_a_user_leaves_nothing_but_the_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erase, "SLICE", 3)
    workspace = make_workspace()
    conversation = make_conversation(workspace)
    say(conversation, "I live in Leeds.", "I'm allergic to peanuts.", "Hello.", "I work as a nurse.")
    run_due(workspace)
    replaced = make_memory("Lives in Ghent", workspace=workspace)
    newest = make_memory("Lives in Oslo", workspace=workspace)
    Memory.objects.filter(pk=replaced.pk).update(replaced_by=newest)
    ask(workspace, "export")
    run_due(workspace)
    say(conversation, "This one waits.")
    other = make_conversation(workspace, user_id="jonas")
    say(other, "I live in Leeds.")
    run_due(workspace, user_id="jonas")
    job = ask(workspace, "erase_user", reason="Asked for it by letter.")
    Job.objects.filter(pk=job.pk).update(priority=0)
    run_due(workspace)
    job.refresh_from_db()
    assert job.result == {
        "decisions": 3, "memories": 5, "revisions": 5, "messages": 5, "conversations": 1, "jobs": 3,
    }  # fmt: skip
    proof = Erasure.objects.get(user_id="mara")
    assert (proof.memory_id, proof.reason, proof.report["left"]) == (None, "Asked for it by letter.", 0)
    assert {one["place"]: one["erased"] for one in proof.report["places"]}["memories"] == 5
    assert list(Tally.objects.values_list("user_id", flat=True)) == ["jonas"]
    assert set(IndexedMessage.objects.values_list("user_id", flat=True)) <= {"jonas"}
    assert [Memory.objects.get().user_id, Message.objects.get().conversation.user_id] == ["jonas", "jonas"]
    assert list(Conversation.objects.values_list("user_id", flat=True)) == ["jonas"]
    assert JobOutput.objects.count() == 0
    mine = Job.objects.filter(user_id="mara").exclude(pk=job.pk)
    assert set(mine.values_list("state", flat=True)) == {JobState.SUCCEEDED, JobState.CANCELLED}
    for gone in mine:
        assert (gone.payload, gone.result, gone.error) == ({}, None, "")
        assert [(entry["event"], entry["why"]) for entry in gone.history] == [("erased", "Asked for it by letter.")]
