from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags import snapshot
from memory.jobs.working.claim import claim
from memory.jobs.working.finish import LostLeaseError
from memory.models import Conversation, Decision, Job, JobState, Memory, Message, Revision, Workspace
from memory.providers.base import Fact, Said
from memory.providers.local.extractor import LocalExtractor
from memory.work.messages import process as messages
from memory.work.messages.process import process
from memory.work.messages.share import Share
from tests.make import (
    NOW,
    make_conversation,
    make_providers,
    make_terms,
    make_tools,
    make_workspace,
    say,
    texts,
    with_window,
)
from tests.memory.work.doubles import Remote, result_of

pytestmark = pytest.mark.django_db
LEASE = timedelta(seconds=60)


def make_users(count: int, *contents: str, workspace: Workspace | None = None) -> list[Conversation]:
    workspace = workspace or make_workspace()
    conversations = [make_conversation(workspace, user_id=f"user-{number}") for number in range(count)]
    for conversation in conversations:
        say(conversation, *contents)
    return conversations


def process_all(**tools: object) -> dict[UUID, str]:
    taken = claim(now=NOW, lease=LEASE, limit=500)
    assert taken is not None
    return process(taken.token, taken.jobs, tools=make_tools(**tools), now=NOW)


def test_many_users_are_processed_with_one_embedding_call_and_each_keeps_to_itself() -> None:
    conversations = make_users(30, "I'm allergic to peanuts.", "I live in Leeds.")
    remote = Remote()
    assert process_all(providers=make_providers(embedder=remote)) == {}
    assert (remote.calls, remote.texts) == (1, 120)  # a message and a fact each
    for conversation in conversations:
        assert texts(conversation) == ["Is allergic to peanuts", "Lives in Leeds"]
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.SUCCEEDED}


def test_a_hundred_users_take_as_many_statements_as_one(django_assert_max_num_queries: object) -> None:
    make_users(100, "I'm allergic to peanuts.")
    snapshot.current()  # a process has read the flags before
    with django_assert_max_num_queries(30):  # type: ignore[operator]
        assert process_all() == {}
    assert Memory.objects.count() == 100


@pytest.mark.parametrize("poisoned", [0, 7, 15])
def test_one_user_whose_writes_fail_fails_alone(poisoned: int) -> None:
    conversations = make_users(16, "I live in Leeds.")
    # what PostgreSQL refuses: a text with a NUL
    bad = conversations[poisoned]

    class Wordy(LocalExtractor):
        def extract(self, message: Said) -> list[Fact]:
            return [Fact("Is bad\0", "other", 0.5, (0, 1))] if message.content == "bad" else super().extract(message)

    say(bad, "bad")
    errors = process_all(providers=make_providers(extractor=Wordy()))
    mine = Job.objects.filter(user_id=bad.user_id)
    assert set(errors) == set(mine.values_list("pk", flat=True))
    assert all("DataError" in error and "bad" not in error.casefold() for error in errors.values())
    assert set(mine.values_list("state", flat=True)) == {JobState.RUNNING}
    assert Memory.objects.count() == 15
    assert not Message.objects.filter(conversation=bad).exclude(processed_at=None).exists()
    others = Job.objects.exclude(user_id=bad.user_id)
    assert set(others.values_list("state", flat=True)) == {JobState.SUCCEEDED}


def test_a_text_that_the_extractor_chokes_on_fails_its_user_alone() -> None:
    conversations = make_users(3, "I live in Leeds.")

    class Fragile(LocalExtractor):
        def extract(self, message: Said) -> list[Fact]:
            if message.content == "choke":
                raise ValueError("choked")
            return super().extract(message)

    say(conversations[1], "choke")
    errors = process_all(providers=make_providers(extractor=Fragile()))
    assert set(errors.values()) == {"ValueError: choked"}
    assert [len(texts(conversation)) for conversation in conversations] == [1, 0, 1]


def test_a_payload_of_another_version_fails_its_user_alone() -> None:
    conversations = make_users(2, "I live in Leeds.")
    Job.objects.filter(user_id="user-0").update(payload={"conversation": "gone"})
    errors = process_all()
    assert set(errors) == set(Job.objects.filter(user_id="user-0").values_list("pk", flat=True))
    assert texts(conversations[1]) == ["Lives in Leeds"]


def test_jobs_that_others_took_meanwhile_are_left_to_them() -> None:
    conversations = make_users(3, "I live in Leeds.")
    taken = claim(now=NOW, lease=LEASE, limit=10)
    assert taken is not None
    Job.objects.filter(user_id="user-1").update(claim=None, state=JobState.PENDING)
    assert process(taken.token, taken.jobs, tools=make_tools(), now=NOW) == {}
    assert [len(texts(conversation)) for conversation in conversations] == [1, 0, 1]
    Job.objects.update(claim=None, state=JobState.PENDING)
    with pytest.raises(LostLeaseError):
        process(taken.token, taken.jobs, tools=make_tools(), now=NOW)


def test_a_job_cannot_process_another_users_messages() -> None:
    conversation = make_users(1, "I live in Leeds.")[0]
    Job.objects.update(user_id="somebody-else")
    assert process_all() == {}
    assert Memory.objects.count() == 0
    assert Message.objects.get(conversation=conversation).processed_at is None


def test_messages_that_two_jobs_name_are_processed_once() -> None:
    conversation = make_users(1, "I live in Leeds.")[0]
    job = Job.objects.get()
    job.pk, job._state.adding = None, True
    Job.objects.create(
        workspace=job.workspace, user_id=job.user_id, kind=job.kind, payload=job.payload, available_at=NOW
    )
    assert process_all() == {}
    assert texts(conversation) == ["Lives in Leeds"]
    assert Decision.objects.count() == 1
    assert sorted(result_of(job)["messages"] for job in Job.objects.all()) == [0, 1]


def test_every_column_of_what_a_batch_writes_is_as_the_models_say() -> None:
    make_users(1, "My sister Ines is vegetarian.")
    process_all()
    memory, revision, decision = Memory.objects.get(), Revision.objects.get(), Decision.objects.get()
    for row in (memory, revision, decision):
        row.full_clean(exclude=["embedding", "search", "trace", "reason", "span", "metadata"])
    assert (memory.created_at, memory.updated_at, memory.version, memory.metadata, memory.pinned) == (
        NOW,
        NOW,
        1,
        {},
        False,
    )
    assert (memory.replaced_by, memory.expires_at, memory.valid_to, memory.search is not None) == (
        None,
        None,
        None,
        True,
    )
    assert (revision.cause, revision.actor, revision.reason) == ("extracted", LocalExtractor().name, "")
    assert (decision.trace, decision.thresholds, decision.span) == ([], make_terms().dedupe.model_dump(), [0, 29])
    assert (decision.by, decision.other, decision.effects, decision.resolution) == ("real_time", None, [], "")
    local = make_tools().providers.embed([memory.text]).rows[0]
    assert list(memory.embedding) == pytest.approx(local.tolist(), abs=1e-3)


def test_windows_of_many_conversations_are_folded_in_the_same_batch() -> None:
    conversations = make_users(3)
    for conversation in conversations[:2]:
        say(conversation, *[f"On day {number} I bought {number + 2} apples in town." for number in range(60)])
    say(conversations[2], "Hello there.")
    process_all(**with_window(400, 80))
    summaries = list(Conversation.objects.order_by("user_id").values_list("summary_version", "summary_through"))
    assert [version for version, _ in summaries] == [1, 1, 0]
    assert all(0 < through < 60 for _, through in summaries[:2])


@given(size=st.integers(1, 40), bad=st.sets(st.integers(0, 39)))
def test_splitting_finds_just_those_who_fail(size: int, bad: set[int]) -> None:
    shares = [Share((None, str(number)), []) for number in range(size)]  # type: ignore[arg-type]
    done: list[Share] = []

    def do(part: Sequence[Share]) -> None:
        if any(int(share.user[1]) in bad for share in part):
            raise ValueError("no")
        done.extend(part)

    failed = messages._apart(shares, do)
    assert {int(share.user[1]) for share in failed} == {number for number in bad if number < size}
    assert set(done) | set(failed) == set(shares)
    assert not set(done) & set(failed)
