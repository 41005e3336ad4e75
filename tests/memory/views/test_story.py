from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from memory.jobs import change
from memory.models import JobState
from memory.views.queues.story import steps
from tests.memory.views.made import make_dead, make_done, make_job, make_running

pytestmark = pytest.mark.django_db


def test_a_dead_job_tells_its_tries_the_latest_first() -> None:
    now = timezone.now()
    told = steps(make_dead(now=now), now=now)
    assert [step.word for step in told] == ["Died", "Started", *["Try failed"] * 4, "Submitted"]
    assert told[0].text == "ProviderError: 504"
    assert [step.at for step in told] == sorted((step.at for step in told), reverse=True)


def test_what_a_person_did_is_violet_and_says_who_and_why() -> None:
    now = timezone.now()
    job = change.retry(make_dead(now=now), actor="ops", reason="the provider is back", now=now)
    due, retried, *_ = steps(job, now=now)
    assert due.word == "Due"
    assert (retried.word, retried.tone, retried.text) == ("Retried", "hand", "ops: the provider is back")


def test_a_running_job_says_when_its_lease_ends() -> None:
    now = timezone.now()
    lease, started, submitted = steps(make_running(now=now), now=now)
    assert (lease.word, lease.left_s) == ("Lease ends", 58)
    assert started.text == "Attempt 1, after a wait of 1 s."
    assert submitted.word == "Submitted"


def test_a_job_that_waits_out_a_backoff_says_when_it_is_tried_next() -> None:
    now = timezone.now()
    later = now + timedelta(seconds=6)
    ahead = steps(make_job(now=now, state=JobState.FAILED, available_at=later), now=now)[0]
    assert (ahead.word, ahead.left_s) == ("Next try", 6)


def test_a_done_job_says_how_long_its_run_took() -> None:
    now = timezone.now()
    assert [step.word for step in steps(make_done(now=now), now=now)] == ["Succeeded", "Started", "Submitted"]
    assert steps(make_done(now=now), now=now)[0].text == "The run took 170 ms."


def test_an_event_of_another_version_is_told_in_its_own_word() -> None:
    now = timezone.now()
    job = make_job(now=now, history=[{"at": now.isoformat(), "event": "teleported", "why": "somewhere"}])
    assert "Teleported" in [step.word for step in steps(job, now=now)]
