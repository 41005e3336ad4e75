from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from memory.models import JobState
from memory.views.queues.listing import ROWS
from monitoring.metrics.ranges import RANGES
from tests.make import make_workspace
from tests.memory.views.made import fill, make_dead, make_done, make_job, record_queues

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def viewer(client: Client) -> Client:
    """Signed in, and nothing more."""
    client.force_login(User.objects.create_user("viewer"))
    return client


def text(client: Client, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("path", ["/queues/", "/queues/live/", "/queues/dead/retry/"])
def test_the_queues_are_for_people_who_signed_in(client: Client, path: str) -> None:
    assert client.get(path).headers["Location"].startswith("/sign-in/")


def test_an_installation_without_any_job_says_what_makes_some(viewer: Client) -> None:
    page = text(viewer, "/queues/")
    assert "Nothing waits. No job is dead." in page
    assert "No job in this range" in page
    assert "No job is running" in page


def test_the_page_shows_all_five_levels_what_runs_and_what_died(viewer: Client) -> None:
    now = timezone.now()
    record_queues(now=now)
    fill(now=now)
    page = text(viewer, "/queues/")
    for level in ("critical", "high", "normal", "low", "bulk"):
        assert f"priority={level}#jobs" in page
    assert "2 at work" in page
    assert "5 jobs open, 2 running, 3 dead" in page
    assert "ProviderUnavailableError: the chat provider answered 503" in page
    assert "Retrying" in page


def test_who_may_not_change_jobs_sees_the_buttons_and_why_they_are_off(viewer: Client) -> None:
    make_dead(now=timezone.now())
    page = text(viewer, "/queues/")
    assert 'title="Needs the permission to change jobs"' in page
    assert "/discard/" not in page


def test_the_url_chooses_the_jobs(viewer: Client) -> None:
    now = timezone.now()
    home = make_workspace()
    make_dead(home, now=now, user_id="u-1")
    make_done(home, now=now, user_id="u-2")
    page = text(viewer, "/queues/?state=succeeded")
    listed = page[page.index('id="jobs-list"') :]
    assert "u-2" in listed
    assert "u-1" not in listed
    assert "No job matches" in text(viewer, "/queues/?user=nobody")
    assert "Filters: user nobody." in text(viewer, "/queues/?user=nobody")


def test_an_address_that_names_what_does_not_exist_says_so(viewer: Client) -> None:
    assert "knitting" in text(viewer, "/queues/?kind=knitting")


def test_what_a_user_is_called_cannot_be_markup(viewer: Client) -> None:
    make_dead(now=timezone.now(), user_id="<b>mara</b>", error="<script>x</script>")
    page = text(viewer, "/queues/?user=%3Cb%3Emara%3C/b%3E")
    assert "<b>mara" not in page
    assert "<script>x" not in page


def test_more_jobs_than_a_page_holds_have_older_ones(viewer: Client) -> None:
    now = timezone.now()
    home = make_workspace()
    for _ in range(ROWS + 1):
        make_job(home, now=now)
    page = text(viewer, "/queues/")
    assert "Older" in page
    before = page.split("before=")[1].split("#")[0].split("&")[0]
    older = text(viewer, f"/queues/?before={before}")
    assert "Newest" in older
    assert "Older" not in older


def test_htmx_gets_what_moves_and_nothing_while_nothing_moved(viewer: Client) -> None:
    now = timezone.now()
    record_queues(now=now)
    fragments = viewer.get("/queues/live/?state=dead")
    page = fragments.content.decode()
    assert "<html" not in page
    for part in (
        "refresh",
        "verdict",
        "levels-table",
        "in-flight",
        "dead-list",
        "filters",
        "jobs-list",
        "count-queues",
    ):
        assert f'id="{part}"' in page, part
    again = viewer.get("/queues/live/?state=dead", headers={"If-None-Match": fragments.headers["ETag"]})
    assert again.status_code == 304
    other = viewer.get("/queues/live/", headers={"If-None-Match": fragments.headers["ETag"]})
    assert other.status_code == 200, "another address is another answer"


def test_a_link_that_htmx_follows_gets_the_fragments_of_that_address(viewer: Client) -> None:
    answer = viewer.get("/queues/?state=dead", headers=HTMX)
    assert "<html" not in answer.content.decode()
    assert "HX-Request" in answer.headers["Vary"]


def test_one_look_at_the_page_serves_everybody_for_some_seconds(
    viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    now = timezone.now()
    record_queues(now=now)
    fill(now=now)
    text(viewer, "/queues/")
    with django_assert_max_num_queries(10):
        text(viewer, "/queues/")


def test_to_work_the_page_out_takes_few_queries_at_any_range(
    viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    now = timezone.now()
    record_queues(now=now)
    fill(now=now)
    for name in RANGES:
        with django_assert_max_num_queries(22):  # with the savepoint's two
            text(viewer, f"/queues/?range={name}")


def test_a_jobs_page_tells_its_story(viewer: Client) -> None:
    job = make_dead(now=timezone.now())
    page = text(viewer, f"/queues/jobs/{job.pk}/")
    for said in ("Dead", "Try failed", "Died", "ProviderError: 504", str(job.pk)):
        assert said in page
    assert viewer.get("/queues/jobs/01999999-0000-7000-8000-000000000000/").status_code == 404


def test_what_a_job_was_given_is_for_those_who_may_view_jobs(viewer: Client) -> None:
    job = make_dead(now=timezone.now(), payload={"text": "I live in Leeds."})
    assert "I live in Leeds." not in text(viewer, f"/queues/jobs/{job.pk}/")
    viewer.force_login(User.objects.create_superuser("ops"))
    assert "I live in Leeds." in text(viewer, f"/queues/jobs/{job.pk}/")


def test_a_jobs_fragments_change_with_the_job(viewer: Client) -> None:
    job = make_job(now=timezone.now())
    first = viewer.get(f"/queues/jobs/{job.pk}/live/")
    tag = {"If-None-Match": first.headers["ETag"]}
    assert viewer.get(f"/queues/jobs/{job.pk}/live/", headers=tag).status_code == 304
    job.state = JobState.CANCELLED
    job.save()
    changed = viewer.get(f"/queues/jobs/{job.pk}/live/", headers=tag)
    assert changed.status_code == 200
    assert "Cancelled" in changed.content.decode()
