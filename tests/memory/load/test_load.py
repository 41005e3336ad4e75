from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from memory.jobs import gate
from memory.jobs.submit import submit
from memory.load.load import load
from memory.load.replay import FOLDER, turns
from memory.models import Conversation, Job, Memory, Message, Priority, Workspace
from tests.make import make_tools, make_workspace, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace(name="default")


def write(tmp_path: Path, count: int) -> Path:
    file = tmp_path / "chat.jsonl"
    rows = [{"role": "user", "content": f"message {n}", "conversation": f"c-{n % 3}"} for n in range(count)]
    file.write_text("\n".join(json.dumps(row) for row in sorted(rows, key=lambda row: row["conversation"])))
    return file


def test_a_file_loaded_twice_adds_nothing_the_second_time(tmp_path: Path, workspace: Workspace) -> None:
    out = StringIO()
    file = write(tmp_path, 500)
    call_command("load", file, user="mara", stdout=out)
    call_command("load", file, user="mara", stdout=out)
    assert "500 messages added, 0 known" in out.getvalue()
    assert "0 messages added, 500 known" in out.getvalue()
    assert Message.objects.count() == 500
    assert Conversation.objects.count() == 3
    assert set(Job.objects.values_list("priority", flat=True)) == {Priority.BULK}


def test_a_load_that_stopped_half_way_is_finished_by_starting_it_again(tmp_path: Path, workspace: Workspace) -> None:
    whole = write(tmp_path, 90)
    part = tmp_path / "part" / "chat.jsonl"
    part.parent.mkdir()
    part.write_text("\n".join(whole.read_text().splitlines()[:40]))
    call_command("load", part, stdout=StringIO())
    call_command("load", whole, stdout=StringIO())
    assert sorted(Conversation.objects.values_list("length", flat=True)) == [30, 30, 30]


def test_bad_records_end_the_command_with_an_error_and_the_good_ones_are_in(
    tmp_path: Path, workspace: Workspace
) -> None:
    file = tmp_path / "chat.jsonl"
    file.write_text('{"role": "user", "content": "one"}\n{broken\n')
    errors = StringIO()
    with pytest.raises(CommandError, match="1 records were left out"):
        call_command("load", file, stdout=StringIO(), stderr=errors)
    assert "chat, line 2" in errors.getvalue()
    assert Message.objects.count() == 1


def test_a_missing_file_is_one_sentence(workspace: Workspace) -> None:
    with pytest.raises(CommandError, match="Can't read nowhere"):
        call_command("load", Path("nowhere.json"), stdout=StringIO())


def test_the_demonstration_set_fits_its_promises() -> None:
    said = turns(now=timezone.now())
    by_conversation = {name: [t for t in said if t.conversation == name] for name in {t.conversation for t in said}}
    assert len(by_conversation) >= 12
    assert all(20 <= len(of) <= 60 for of in by_conversation.values())
    assert len({turn.user_id for turn in said}) >= 4
    times = [turn.message.said_at for turn in said if turn.message.said_at]
    assert (max(times) - min(times)).days >= 14
    assert 0 <= (timezone.now() - max(times)).total_seconds() / 3600 <= 48
    assert len(list(FOLDER.glob("*.jsonl"))) == len(by_conversation)


def test_the_demonstration_becomes_memories_of_every_user(workspace: Workspace) -> None:
    call_command("demo", no_replay=True, stdout=StringIO())
    for conversation in Conversation.objects.order_by("id"):
        work(conversation, now=timezone.now(), tools=make_tools())
    memories = Memory.objects.active()
    users = set(Conversation.objects.values_list("user_id", flat=True))
    assert set(memories.values_list("user_id", flat=True)) == users
    assert all(memories.filter(user_id=user).count() >= 10 for user in users)
    assert Message.objects.filter(processed_at=None).count() == 0


def test_the_demonstrations_hard_pairs_come_out_right(workspace: Workspace) -> None:
    call_command("demo", no_replay=True, stdout=StringIO())
    for conversation in Conversation.objects.order_by("id"):
        work(conversation, now=timezone.now(), tools=make_tools())

    def texts(user: str, word: str) -> list[str]:
        mine = Memory.objects.active().filter(user_id=user, text__icontains=word)
        return sorted(mine.values_list("text", flat=True))

    assert len([text for text in texts("priya", "peanuts") if "allergic" in text.lower()]) == 1
    first, second = Memory.objects.filter(user_id="daniel", text__startswith="Saved").order_by("valid_from")
    assert ("500 euros" in first.text, first.state, first.replaced_by) == (True, "superseded", second)
    assert ("5000 euros" in second.text, second.state) == (True, "active")
    assert len(texts("priya", "meat")) == 1, "to eat it no longer is not to eat it"


def test_a_load_waits_as_long_as_a_full_queue_says(workspace: Workspace, settings: Any) -> None:
    said = turns(now=timezone.now())[:3]
    settings.HOLDFAST_QUEUE_LIMIT = 1
    waits: list[float] = []

    def drained(seconds: float) -> None:
        waits.append(seconds)
        Job.objects.all().delete()
        gate.forget()

    gate.forget()
    submit(kind="noop", workspace_id=workspace.pk, user_id="", payload={}, now=timezone.now())
    gate.forget()
    report = load(
        said, workspace_id=workspace.pk, clock=timezone.now, on_chunk=lambda user, messages: None, sleep=drained
    )
    assert report.added == 3
    assert len(waits) == 1
    assert 1 <= waits[0] <= 60
