from __future__ import annotations

from datetime import timedelta

import pytest

from memory.jobs import depth, dispatch, finish, sweep
from memory.jobs.claim import Claim, claim
from memory.models import Conversation, Job, JobState, Priority
from tests.make import NOW, make_conversation, say

pytestmark = pytest.mark.django_db
LEASE = timedelta(seconds=60)


def take(conversation: Conversation, seconds: float = 0) -> Claim | None:
    now = NOW + timedelta(seconds=seconds)
    return claim(workspace_id=conversation.workspace_id, user_id="mara", now=now, lease=LEASE)


def test_a_claim_takes_all_that_waits_for_the_user() -> None:
    conversation = make_conversation()
    for text in ("one", "two", "three"):
        say(conversation, text)
    taken = take(conversation)
    assert taken is not None
    assert len(taken.jobs) == 3
    assert set(Job.objects.values_list("state", "attempts")) == {(JobState.RUNNING, 1)}


def test_a_user_is_worked_for_by_one_worker_at_a_time() -> None:
    conversation = make_conversation()
    say(conversation, "one")
    assert take(conversation) is not None
    say(conversation, "two")
    assert take(conversation) is None


def test_a_claim_stops_at_a_thousand_messages() -> None:
    conversation = make_conversation()
    for _ in range(3):
        say(conversation, *["word"] * 400)
    taken = take(conversation)
    assert taken is not None
    assert len(taken.jobs) == 2


def test_an_expired_lease_comes_back_and_fences_the_late_worker() -> None:
    conversation = make_conversation()
    say(conversation, "one")
    late = take(conversation)
    assert late is not None
    after = NOW + LEASE + timedelta(seconds=1)
    assert sweep.sweep(attempts=5, now=after) == 1
    assert take(conversation, seconds=120) is not None
    with pytest.raises(finish.LostLeaseError):
        finish.succeed(late, results={}, now=after)
    assert Job.objects.get().state == JobState.RUNNING


def test_a_failed_job_waits_and_is_tried_alone() -> None:
    conversation = make_conversation()
    say(conversation, "one")
    say(conversation, "two")
    taken = take(conversation)
    assert taken is not None
    finish.fail(taken, error="ValueError: no", attempts=5, now=NOW)
    waiting = Job.objects.order_by("id").first()
    assert waiting is not None
    assert (waiting.state, waiting.error) == (JobState.PENDING, "ValueError: no")
    assert waiting.available_at >= NOW
    again = take(conversation, seconds=10)
    assert again is not None
    assert len(again.jobs) == 1


def test_the_last_failed_attempt_is_dead() -> None:
    conversation = make_conversation()
    say(conversation, "one")
    taken = take(conversation)
    assert taken is not None
    finish.fail(taken, error="ValueError: no", attempts=1, now=NOW)
    job = Job.objects.get()
    assert (job.state, job.finished_at) == (JobState.DEAD, NOW)


def test_a_succeeded_job_keeps_its_result() -> None:
    conversation = make_conversation()
    say(conversation, "one")
    taken = take(conversation)
    assert taken is not None
    finish.succeed(taken, results={taken.jobs[0].pk: {"messages": 1}}, now=NOW)
    job = Job.objects.get()
    assert (job.state, job.result, job.claim, job.lease_until) == (JobState.SUCCEEDED, {"messages": 1}, None, None)


def test_backoff_grows_and_is_bounded() -> None:
    for attempt, most in ((1, 2), (2, 4), (5, 32), (20, 300)):
        drawn = [finish.backoff(attempt).total_seconds() for _ in range(200)]
        assert min(drawn) >= 0
        assert most / 2 < max(drawn) <= most


def test_the_dispatcher_hints_once_and_again_when_the_hint_was_lost() -> None:
    conversation = make_conversation()
    say(conversation, "one")
    user = (conversation.workspace_id, "mara")
    assert dispatch.due(now=NOW + timedelta(seconds=1)) == {}
    assert dispatch.due(now=NOW + timedelta(seconds=11)) == {user: Priority.NORMAL}
    assert dispatch.due(now=NOW + timedelta(seconds=12)) == {}
    dispatch.hint_failed([user])
    assert dispatch.due(now=NOW + timedelta(seconds=13)) == {user: Priority.NORMAL}


def test_the_gauges_count_open_jobs_by_priority_and_the_age_of_the_oldest() -> None:
    conversation = make_conversation()
    say(conversation, "one")
    figures = depth.gauges()
    assert figures["queue.normal"] == 1
    assert figures["queue.bulk"] == 0
    assert figures["queue.oldest_s"] > 0
    assert depth.open_jobs() == 1
