from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from memory.models import Job, JobState
from monitoring.models import Event
from tests.make import make_workspace
from tests.memory.views.made import make_dead, make_job, make_running

pytestmark = pytest.mark.django_db
REASON = "the provider is back"


@pytest.fixture
def ops(client: Client) -> Client:
    user = User.objects.create_user("ops")
    user.user_permissions.add(Permission.objects.get(codename="change_job"))
    client.force_login(user)
    return client


def post(client: Client, path: str, **fields: str) -> Any:
    return client.post(path, {"reason": REASON, "back": "/queues/?state=dead"} | fields, follow=True)


def act(job: Job, name: str) -> str:
    return f"/queues/jobs/{job.pk}/{name}/"


def test_a_dead_job_is_retried_with_who_and_why(ops: Client) -> None:
    job = make_dead(now=timezone.now())
    page = post(ops, act(job, "retry"))
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.PENDING, 0)
    assert {"event": "retried", "why": REASON, "by": "ops"}.items() <= job.history[-1].items()
    assert page.redirect_chain == [("/queues/?state=dead", 302)]
    assert "Retried: it waits for a free worker." in page.content.decode()


def test_a_dead_job_is_discarded_and_leaves_the_dead_letters_at_once(ops: Client) -> None:
    job = make_dead(now=timezone.now())
    assert "1 dead" in ops.get("/queues/").content.decode()
    page = post(ops, act(job, "discard")).content.decode()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert "0 dead" in page
    assert "Discarded: nobody waits for it any more." in page


def test_a_waiting_job_is_cancelled(ops: Client) -> None:
    job = make_job(now=timezone.now())
    post(ops, act(job, "cancel"))
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


@pytest.mark.parametrize(
    ("reason", "left"), [("", "8 more characters"), ("because", "1 more character<"), ("  short ", "3 more")]
)
def test_a_reason_that_says_nothing_is_asked_for_again(ops: Client, reason: str, left: str) -> None:
    job = make_dead(now=timezone.now())
    answer = ops.post(act(job, "discard"), {"reason": reason})
    assert answer.status_code == 422
    assert left in answer.content.decode()
    job.refresh_from_db()
    assert job.state == JobState.DEAD


def test_a_job_that_changed_meanwhile_is_left_alone_and_that_is_said(ops: Client) -> None:
    job = make_running(now=timezone.now())
    page = post(ops, act(job, "cancel")).content.decode()
    assert "<b>Nothing was changed. </b>The job is running" in page
    assert 'role="alert"' in page
    job.refresh_from_db()
    assert job.state == JobState.RUNNING


@pytest.mark.parametrize("name", ["retry", "cancel", "discard"])
def test_to_act_takes_the_permission_to_change_jobs(client: Client, name: str) -> None:
    client.force_login(User.objects.create_user("viewer"))
    job = make_dead(now=timezone.now())
    assert client.get(act(job, name)).status_code == 403
    assert client.post(act(job, name), {"reason": REASON}).status_code == 403
    job.refresh_from_db()
    assert job.state == JobState.DEAD


def test_a_look_at_the_question_changes_nothing(ops: Client) -> None:
    job = make_dead(now=timezone.now())
    page = ops.get(act(job, "discard"), headers={"Referer": "http://testserver/queues/?state=dead"}).content.decode()
    assert "<html" in page
    assert "Discard job" in page
    assert 'href="/queues/?state=dead" data-close' in page.replace("\n", " ").replace("  ", " ")
    job.refresh_from_db()
    assert job.state == JobState.DEAD


def test_htmx_gets_the_question_as_a_dialog(ops: Client) -> None:
    answer = ops.get(act(make_dead(now=timezone.now()), "retry"), headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert page.lstrip().startswith("<dialog")
    assert "<html" not in page


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example/", "http://testserver//evil.example/", "javascript:alert(1)", ""]
)
def test_one_is_never_sent_to_another_site(ops: Client, back: str) -> None:
    job = make_dead(now=timezone.now())
    answer = ops.post(act(job, "retry"), {"reason": REASON, "back": back})
    assert answer.headers["Location"] == f"/queues/jobs/{job.pk}/"


def test_all_dead_jobs_are_retried_by_one_decision_that_the_charts_show(ops: Client) -> None:
    home = make_workspace()
    jobs = [make_dead(home, now=timezone.now(), user_id=f"u-{i}") for i in range(3)]
    asked = ops.get("/queues/dead/retry/").content.decode()
    assert "Retry 3 dead jobs?" in asked
    post(ops, "/queues/dead/retry/")
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.PENDING}
    assert len(jobs) == 3
    event = Event.objects.get()
    assert (event.text, event.tone, event.actor) == ("3 dead jobs retried", "hand", "ops")


def test_all_dead_jobs_are_discarded_and_others_are_not(ops: Client) -> None:
    home = make_workspace()
    make_dead(home, now=timezone.now())
    waiting = make_job(home, now=timezone.now())
    assert "1 dead job discarded." in post(ops, "/queues/dead/discard/").content.decode()
    waiting.refresh_from_db()
    assert waiting.state == JobState.PENDING
    assert "Nothing to do." in post(ops, "/queues/dead/discard/").content.decode()
