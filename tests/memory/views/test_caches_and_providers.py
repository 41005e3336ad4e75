from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from memory import caching
from memory.caching.stats import figures
from memory.models import Job
from memory.views.caches import board
from monitoring.metrics.ranges import RANGES
from monitoring.metrics.store import retain
from monitoring.metrics.store.write import write
from monitoring.models import Event
from tests.make import make_workspace
from tests.monitoring.blobs import make_blob

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(User.objects.create_user("viewer"))
    return client


@pytest.fixture
def operator(client: Client) -> Client:
    user = User.objects.create_user("ops")
    user.user_permissions.add(Permission.objects.get(codename="change_job"))
    client.force_login(user)
    return client


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("path", ["/caches/", "/caches/live/", "/providers/", "/providers/live/", "/caches/tool/warm/"])
def test_the_pages_are_for_people_who_signed_in(client: Client, path: str) -> None:
    assert client.get(path).headers["Location"].startswith("/sign-in/")


def test_every_cache_has_a_line_with_what_lies_in_it(viewer: Client) -> None:
    workspace = make_workspace()
    for number in range(3):
        caching.TOOL.keep(f"{workspace.pk}:weather", f"city-{number}", b"x" * 20_000)
    page = text(viewer, "/caches/")
    for cache in caching.CACHES.values():
        assert cache.policy.title in page
    assert "5 caches over one mechanism" in page
    assert text(viewer, "/caches/live/")


def test_the_page_says_of_each_cache_what_the_api_says(viewer: Client) -> None:
    now = timezone.now()
    second = (int(now.timestamp()) - 120) // 60 * 60  # its minute isn't over, and so not rolled up
    counters = {"cache.tool.hits": 7.0, "cache.tool.misses": 2.0, "cache.context.errors": 1.0}
    retain.make_partitions(now=second)
    write([make_blob(second, latencies={"cache.tool.get": [0.002] * 9}, counters=counters)], now=second + 5)
    found = board.board("1h", now=now)
    assert found.lines == figures(now=now, range_name="1h")
    [tool] = [line for line in found.lines if line.name == "tool"]
    assert (tool.traffic.hits, tool.traffic.misses) == (7, 2)
    assert found.verdict.sentence == "A look-up in the Tool result cache takes 2 ms at p95, over 1 ms."
    assert found.charts["hit-rates"].legend[0].name == "tool"


def test_to_work_the_caches_out_takes_few_queries_at_any_range(
    viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for name in RANGES:
        with django_assert_max_num_queries(9):
            text(viewer, f"/caches/?range={name}")


def test_who_may_not_act_is_told_so(viewer: Client) -> None:
    assert "Only operators may do this" in text(viewer, "/caches/")
    assert viewer.post("/caches/tool/invalidate/", {"reason": "no reason at all"}).status_code == 403


def test_invalidating_asks_for_a_reason_drops_all_entries_and_is_an_event(operator: Client) -> None:
    caching.TOOL.keep("w:weather", "leeds", b"rain")
    assert caching.TOOL.get("w:weather", "leeds") == b"rain"
    assert operator.post("/caches/tool/invalidate/", {"reason": "why"}).status_code == 422
    assert caching.TOOL.get("w:weather", "leeds") == b"rain"
    assert operator.post("/caches/tool/invalidate/", {"reason": "the tool was wrong"}).status_code == 302
    assert caching.TOOL.get("w:weather", "leeds") is None
    event = Event.objects.get()
    assert (event.kind, event.tone, event.actor) == ("cache", "hand", "ops")
    assert "the tool was wrong" in event.text


def test_warming_submits_one_job_for_each_workspace(operator: Client) -> None:
    make_workspace()
    make_workspace()
    name = caching.warmable()[0]
    for _ in range(2):  # the second time the waiting jobs do
        operator.post(f"/caches/{name}/warm/", {"reason": "after the deployment"})
    assert list(Job.objects.values_list("kind", "payload__cache")) == [("warm_cache", name)] * 2


def test_a_cache_that_does_not_exist_is_not_found(operator: Client) -> None:
    assert operator.get("/caches/nothing/invalidate/").status_code == 404


def test_without_providers_the_page_says_that_all_is_local(viewer: Client) -> None:
    page = text(viewer, "/providers/")
    assert "No outside provider" in page
    assert "run in the worker" in page
    assert text(viewer, "/providers/live/")
