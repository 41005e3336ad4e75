from __future__ import annotations

from datetime import timedelta

import pytest

from memory.models import Conversation, Decision, Job, JobState, Memory, Priority
from memory.providers.base import (
    Fact,
    ProviderCredentialsError,
    ProviderOpenError,
    ProviderRefusedError,
)
from tests.make import NOW, make_conversation, make_memory, make_workspace, say, texts
from tests.memory.work.doubles import Remote, ask, result_of, run_due

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=1)


def waiting() -> dict[str, int]:
    kinds = Job.objects.filter(state=JobState.PENDING).values_list("kind", flat=True)
    return {kind: list(kinds).count(kind) for kind in kinds}


def test_what_was_degraded_says_so_and_is_redone_when_the_provider_is_back(remote: Remote) -> None:
    conversation = make_conversation()
    remote.away()
    say(conversation, "I'm allergic to peanuts.")
    run_due(conversation.workspace)
    job = Job.objects.get(kind="process_messages")
    assert job.state == JobState.SUCCEEDED
    assert len(result_of(job)["degraded"]) == 2
    assert Memory.objects.get().embedding_model == "wordllama-256"
    assert waiting() == {"index_messages": 1, "reembed": 1, "reread": 1}
    assert set(Job.objects.filter(state=JobState.PENDING).values_list("priority", "available_at")) == {
        (Priority.LOW, NOW + timedelta(seconds=5))
    }
    remote.back()
    assert sorted(run_due(conversation.workspace, now=LATER)) == ["index_messages", "reembed", "reread"]
    assert run_due(conversation.workspace, now=LATER + timedelta(minutes=1)) == ["dedupe"]
    assert Memory.objects.get().embedding_model == "remote-1"
    assert waiting() == {}
    assert texts(conversation) == ["Is allergic to peanuts"]


def test_a_user_waits_for_one_new_embedding_however_many_batches_were_degraded(remote: Remote) -> None:
    conversation = make_conversation()
    remote.away()
    for city in ("Leeds", "Ghent", "Oslo"):
        say(conversation, f"I live in {city}.")
        run_due(conversation.workspace)
    assert waiting()["reembed"] == 1


def test_redoing_waits_longer_each_time_and_is_no_failed_attempt(remote: Remote) -> None:
    conversation = make_conversation()
    make_memory(workspace=conversation.workspace)
    remote.away()
    job = ask(conversation.workspace, "reembed")
    now, waits = NOW, []
    for _ in range(9):
        run_due(conversation.workspace, now=now)
        job.refresh_from_db()
        assert (job.state, job.attempts) == (JobState.PENDING, 0)
        waits.append((job.available_at - now).total_seconds())
        now = job.available_at
    assert 5 <= waits[0] <= 6
    assert 10 <= waits[1] <= 12
    assert 300 <= waits[-1] <= 360


def test_an_open_breaker_says_itself_when_to_ask_again(remote: Remote) -> None:
    workspace = make_workspace()
    make_memory(workspace=workspace)
    remote.away(ProviderOpenError("open", retry_after_s=30))
    job = ask(workspace, "reembed")
    run_due(workspace)
    job.refresh_from_db()
    assert 30 <= (job.available_at - NOW).total_seconds() <= 36
    assert result_of(job)["waits_for"] == "ProviderOpenError: open"


@pytest.mark.parametrize(
    ("problem", "state"),
    [(ProviderRefusedError("too long"), JobState.FAILED), (ProviderCredentialsError("no key"), JobState.PENDING)],
)
def test_a_request_that_stays_refused_fails_and_a_wrong_key_is_waited_for(
    remote: Remote, problem: ProviderRefusedError, state: JobState
) -> None:
    workspace = make_workspace()
    make_memory(workspace=workspace)
    remote.away(problem)
    job = ask(workspace, "reembed")
    run_due(workspace)
    job.refresh_from_db()
    assert job.state == state


def test_reembedding_goes_in_slices_with_progress_and_finds_the_duplicates_in_the_end(remote: Remote) -> None:
    workspace = make_workspace()
    for number in range(250):
        make_memory(f"Keeps map {number} in drawer {number}", workspace=workspace)
    make_memory("Forgotten", workspace=workspace, state="forgotten")
    # what the outage had kept apart: the same fact under two models
    text = "Lives in the town of Leeds"
    make_memory(text, workspace=workspace, embedding=remote.embed([text])[0], embedding_model="remote-1")
    make_memory("Lives in town of Leeds", workspace=workspace)
    job = ask(workspace, "reembed")
    assert run_due(workspace).count("reembed") == 2
    job.refresh_from_db()
    assert job.result == {"done": 251, "total": 251}
    models = Memory.objects.exclude(state="forgotten").values_list("embedding_model", flat=True)
    assert set(models) == {"remote-1"}
    assert remote.calls == 1 + 2
    assert run_due(workspace, now=LATER).count("dedupe") == 3
    assert result_of(Job.objects.get(kind="dedupe"))["merged"] == 1
    assert Memory.objects.get(state="merged").text == "Lives in town of Leeds"


def test_the_whole_workspace_is_embedded_again_by_one_job(remote: Remote) -> None:
    workspace = make_workspace()
    other = make_memory()
    for user in ("mara", "jonas"):
        make_memory(workspace=workspace, user_id=user)
    ask(workspace, "reembed", user_id="")
    run_due(workspace, user_id="")
    assert set(Memory.objects.filter(workspace=workspace).values_list("embedding_model", flat=True)) == {"remote-1"}
    other.refresh_from_db()
    assert other.embedding_model == "wordllama-256"


def test_a_text_that_was_edited_while_it_was_embedded_keeps_its_own_vector(remote: Remote) -> None:
    memory = make_memory()
    edit = remote.embed

    def meanwhile(texts: list[str]) -> object:
        Memory.objects.update(text_hash="edited")
        return edit(texts)

    remote.embed = meanwhile  # type: ignore[method-assign, assignment]
    ask(memory.workspace, "reembed")
    run_due(memory.workspace)
    memory.refresh_from_db()
    assert memory.embedding_model == "wordllama-256"


def test_rereading_supersedes_what_the_stand_in_made_of_the_same_words_and_leaves_the_rest(remote: Remote) -> None:
    conversation = make_conversation()
    remote.away()
    say(conversation, "I live in Leeds. I'm allergic to peanuts.", "I work as a nurse.")
    run_due(conversation.workspace)
    assert texts(conversation) == ["Lives in Leeds", "Is allergic to peanuts", "Works as a nurse"]
    remote.back()
    remote.facts = lambda said: [Fact("Has a cousin in Leeds", "relation", 0.6, (0, 15))][: "Leeds" in said.content]
    run_due(conversation.workspace, now=LATER)
    assert texts(conversation) == ["Is allergic to peanuts", "Works as a nurse", "Has a cousin in Leeds"]
    old = Memory.objects.get(text="Lives in Leeds")
    assert (old.state, old.replaced_by) == ("superseded", Memory.objects.get(text="Has a cousin in Leeds"))
    assert old.valid_to == LATER
    decision = Decision.objects.get(outcome="superseded")
    assert (decision.by, decision.memory, decision.other) == ("batch", old.replaced_by, old)
    assert decision.effects[0]["id"] == str(old.pk)
    ordinals = Decision.objects.filter(message__position=1).order_by("ordinal").values_list("ordinal", flat=True)
    assert list(ordinals) == [0, 1, 2]


def test_rereading_what_says_the_same_changes_nothing_and_a_pinned_or_edited_memory_stays(remote: Remote) -> None:
    conversation = make_conversation()
    remote.away()
    say(conversation, "I live in Leeds.", "I work as a nurse.")
    run_due(conversation.workspace)
    Memory.objects.filter(text="Works as a nurse").update(pinned=True)
    remote.back()
    again = {"I live in Leeds.": "Lives in Leeds", "I work as a nurse.": "Looks after children at night"}
    remote.facts = lambda said: [Fact(again[said.content], "other", 0.5, (0, 10))]
    run_due(conversation.workspace, now=LATER)
    assert texts(conversation) == ["Lives in Leeds", "Works as a nurse", "Looks after children at night"]


def test_a_text_that_was_read_by_the_stand_in_is_read_again_in_its_scope(remote: Remote) -> None:
    workspace = make_workspace()
    remote.away()
    ask(workspace, "process_text", text="I live in Leeds.", scope={"agent_id": "coach"}, metadata={"from": "form"})
    run_due(workspace)
    remote.back()
    remote.facts = lambda said: [Fact("Has a cousin in Leeds", "relation", 0.5, (0, 15))]
    run_due(workspace, now=LATER)
    memory = Memory.objects.get(text="Has a cousin in Leeds")
    assert (memory.agent_id, memory.metadata) == ("coach", {"from": "form"})


def test_a_summary_of_the_stand_in_is_made_anew_from_the_first_message_on(remote: Remote) -> None:
    conversation = make_conversation()
    remote.away()
    say(conversation, *[f"On day {number} I bought {number + 2} apples, and {number} pears." for number in range(400)])
    run_due(conversation.workspace)
    conversation.refresh_from_db()
    before = conversation.summary
    assert before
    assert not before.startswith("remote: ")
    remote.back()
    ran = run_due(conversation.workspace, now=LATER)
    conversation.refresh_from_db()
    assert conversation.summary.startswith("remote: ")
    assert conversation.summary_version == 2
    assert ran.count("refresh_summary") == 4  # a chunk each
    job = Job.objects.get(kind="refresh_summary")
    assert job.result == {"messages": conversation.summary_through}


def test_a_summary_that_was_made_meanwhile_is_not_overwritten(remote: Remote) -> None:
    conversation = make_conversation(summary_through=3, summary_version=1, summary="old")
    say(conversation, "One.", "Two.", "Three.")
    summarize = remote.summarize

    def meanwhile(*arguments: object, **more: object) -> str:
        Conversation.objects.update(summary_version=2, summary="newer")
        return summarize(*arguments, **more)  # type: ignore[arg-type]

    remote.summarize = meanwhile  # type: ignore[method-assign]
    job = ask(conversation.workspace, "refresh_summary", conversation=str(conversation.pk))
    run_due(conversation.workspace)
    job.refresh_from_db()
    conversation.refresh_from_db()
    assert (job.state, conversation.summary) == (JobState.FAILED, "newer")
