from __future__ import annotations

import uuid

import pytest

from memory.conversation.ingest import append, open_conversation
from memory.errors import NotFoundError
from memory.jobs import gate
from memory.models import Conversation, Job, JobState, Message
from tests.make import NOW, make_conversation, make_message, make_workspace, say

pytestmark = pytest.mark.django_db


def test_messages_get_positions_in_order_and_one_job() -> None:
    conversation = make_conversation()
    appended = say(conversation, "one", "two", "three")
    assert [position for _, position in appended.items] == [1, 2, 3]
    job = Job.objects.get()
    assert job.pk == appended.job_id
    assert (job.kind, job.state, job.user_id) == ("process_messages", JobState.PENDING, "mara")
    assert job.payload == {"conversation": str(conversation.pk), "first": 1, "last": 3}


def test_a_later_post_goes_on_where_the_first_ended() -> None:
    conversation = make_conversation()
    say(conversation, "one", "two")
    assert say(conversation, "three").items[0][1] == 3
    conversation.refresh_from_db()
    assert conversation.length == 3


def test_the_same_message_posted_twice_changes_nothing() -> None:
    conversation = make_conversation()
    first = say(conversation, "I live in Leeds.", external_id="m-1")
    again = say(conversation, "I live in Leeds.", external_id="m-1")
    assert again.items == first.items
    assert again.job_id == first.job_id
    assert again.added == 0
    assert Message.objects.count() == Job.objects.count() == 1


def test_a_message_twice_in_one_post_is_stored_once() -> None:
    appended = say(make_conversation(), "one", "one", external_id="m-1")
    assert appended.items[0] == appended.items[1]
    assert Message.objects.count() == 1


def test_a_post_that_is_partly_known_adds_only_the_rest() -> None:
    conversation = make_conversation()
    say(conversation, "one", external_id="m-1")
    messages = [make_message("one", external_id="m-1"), make_message("two", external_id="m-2")]
    appended = append(
        workspace_id=conversation.workspace_id, conversation_id=conversation.pk, messages=messages, now=NOW
    )
    assert [position for _, position in appended.items] == [1, 2]
    assert appended.added == 1
    assert Job.objects.order_by("-id").first().payload["first"] == 2  # type: ignore[union-attr]


def test_a_foreign_conversation_is_not_found() -> None:
    conversation = make_conversation()
    with pytest.raises(NotFoundError):
        append(workspace_id=make_workspace().pk, conversation_id=conversation.pk, messages=[make_message()], now=NOW)
    with pytest.raises(NotFoundError):
        append(workspace_id=conversation.workspace_id, conversation_id=uuid.uuid4(), messages=[make_message()], now=NOW)


def test_an_external_id_opens_one_conversation_per_workspace() -> None:
    ours, theirs = make_workspace(), make_workspace()
    first, made = open_conversation(workspace_id=ours.pk, user_id="mara", external_id="c-1")
    again, made_again = open_conversation(workspace_id=ours.pk, user_id="mara", external_id="c-1")
    other, _ = open_conversation(workspace_id=theirs.pk, user_id="mara", external_id="c-1")
    assert (made, made_again) == (True, False)
    assert first == again != other
    assert Conversation.objects.count() == 2


def test_appending_takes_a_fixed_number_of_queries(django_assert_num_queries: object) -> None:
    conversation = make_conversation()
    gate.forget()
    # savepoint, lock, messages and length, open jobs (once a second), job, release: however many messages there are
    with django_assert_num_queries(6):  # type: ignore[operator]
        say(conversation, *[f"message {number}" for number in range(100)])
