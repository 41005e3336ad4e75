from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import pytest_django
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from memory.models import Scope
from monitoring.models import AuditEntry, SlowQuery
from monitoring.queries import store
from tests.make import make_key
from tests.monitoring.queries.made import PLANTED, make_met, planted

pytestmark = pytest.mark.django_db

LATEST = f"SELECT id FROM {PLANTED} WHERE guest_id = %s ORDER BY at DESC LIMIT 10"
SLEEPY = "SELECT pg_sleep(%s)"


@pytest.fixture(scope="module")
def visits(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), planted():
        yield


@pytest.fixture
def busy() -> None:
    now = timezone.now()
    store.store(
        [
            make_met(LATEST, route="list_visits", seconds=0.3, now=now),
            make_met(LATEST, route="job digest", seconds=0.9, now=now),
            make_met(SLEEPY, route="", seconds=0.8, now=now),
            make_met("SELECT name FROM guest WHERE id = %s", route="list_visits", seconds=0.2, runs=14, now=now),
        ]
    )


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(User.objects.create_user("viewer"))
    return client


@pytest.fixture
def operator(client: Client) -> Client:
    user = User.objects.create_user("ops")
    user.user_permissions.add(Permission.objects.get(codename="change_slowquery"))
    client.force_login(user)
    return client


def text(client: Client, query: str = "", path: str = "/queries/") -> str:
    answer = client.get(f"{path}{query}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def mark(statement: str) -> str:
    return make_met(statement).fingerprint


@pytest.mark.parametrize("path", ["/queries/", "/queries/live/", "/queries/threshold/", "/queries/abc/prove/i/"])
def test_queries_are_for_people_who_signed_in(client: Client, path: str) -> None:
    assert client.get(path).headers["Location"].startswith("/sign-in/")


def test_where_nothing_is_slow_the_page_says_what_would_appear(viewer: Client) -> None:
    page = text(viewer)
    assert "No slow query in this range" in page
    assert "longer than 100 ms" in page
    assert "No loop in this range" in page
    assert "pg_stat_statements is not installed" in page


@pytest.mark.usefixtures("busy")
def test_the_verdict_comes_first_and_names_what_needs_somebody(viewer: Client) -> None:
    page = text(viewer)
    assert "Degraded" in page
    assert "slow queries, loops" in page
    assert "list_visits runs one statement 14 times in one request" in page
    assert page.index('id="verdict"') < page.index('id="findings"') < page.index('id="query-lines"')


@pytest.mark.usefixtures("busy")
def test_the_url_sorts_and_narrows_down(viewer: Client) -> None:
    page = text(viewer)
    assert page.index(f"q-{mark(LATEST)}") < page.index(f"q-{mark(SLEEPY)}"), "by total time"
    page = text(viewer, "?sort=mean")
    assert page.index(f"q-{mark(SLEEPY)}") < page.index(f"q-{mark(LATEST)}")
    assert f"q-{mark(SLEEPY)}" not in text(viewer, "?route=list_visits")
    assert f"q-{mark(LATEST)}" not in text(viewer, "?route=-")
    assert f"q-{mark(LATEST)}" not in text(viewer, "?q=PG_SLEEP")
    assert "No slow query matches" in text(viewer, "?q=nothing%00like+it")
    assert "There is no order" in text(viewer, "?sort=colour")


@pytest.mark.usefixtures("busy", "visits")
def test_a_chosen_query_shows_its_plan_its_routes_and_what_would_help(viewer: Client) -> None:
    page = text(viewer, f"?query={mark(LATEST)}")
    assert "ORDER BY" in page
    assert "costs most" in page
    assert f"It reads all 20,000 rows of {PLANTED}" in page
    assert f"CREATE INDEX CONCURRENTLY {PLANTED}_guest_id_at_idx ON {PLANTED} (guest_id, at);" in page
    assert "Unproven" in page
    assert "job digest" in page
    assert "Only operators may do this" in page
    loop = text(viewer, f"?query={mark('SELECT name FROM guest WHERE id = %s')}")
    assert "list_visits runs it 14 times in one request" in loop
    assert "relation &quot;guest&quot; does not exist" in loop
    assert "This query is not known any more" in text(viewer, "?query=0000000000000000")


@pytest.mark.usefixtures("busy", "visits")
def test_an_operator_tries_an_index_and_sees_what_it_saves(operator: Client) -> None:
    address = f"/queries/{mark(LATEST)}/prove/{PLANTED}_guest_id_at_idx/"
    assert "Try the index" in text(operator, path=address)
    assert SlowQuery.objects.get(pk=mark(LATEST)).proof is None
    answer = operator.post(address, {"reason": "is it worth its writes"}, follow=True)
    assert "of the cost." in answer.content.decode()
    assert "A proven index" in text(operator, f"?query={mark(LATEST)}")
    assert AuditEntry.objects.get(action="queries.prove").actor == "ops"
    wrong = operator.get(f"/queries/{mark(LATEST)}/prove/auth_user_idx/", follow=True)
    assert "not proposed any more" in wrong.content.decode()


def test_the_threshold_is_changed_with_a_reason_by_those_who_may(operator: Client, viewer: Client) -> None:
    operator.force_login(User.objects.get(username="ops"))
    assert operator.post("/queries/threshold/", {"reason": "short", "slow_ms": "20"}).status_code == 422
    assert operator.post("/queries/threshold/", {"reason": "look closer", "slow_ms": "7"}).status_code == 422
    assert operator.post("/queries/threshold/", {"reason": "look closer", "slow_ms": "20"}).status_code == 302
    assert store.slow_ms() == 20
    viewer.force_login(User.objects.get(username="viewer"))
    assert viewer.post("/queries/threshold/", {"reason": "look closer", "slow_ms": "50"}).status_code == 403


@pytest.mark.usefixtures("busy")
def test_the_fragments_leave_what_is_being_read_alone(viewer: Client) -> None:
    page = text(viewer, f"?query={mark(SLEEPY)}", path="/queries/live/")
    assert 'id="query-lines"' in page
    assert 'id="query"' not in page
    assert 'id="query-filters"' not in page


@pytest.fixture
def key() -> dict[str, str]:
    return {"Authorization": f"Bearer {make_key(scope=Scope.READ)}"}


@pytest.mark.usefixtures("busy", "visits")
def test_the_api_lists_explains_and_counts(client: Client, key: dict[str, str]) -> None:
    first = json.loads(client.get("/api/v1/queries?limit=1", headers=key).content)
    assert [item["fingerprint"] for item in first["items"]] == [mark(LATEST)]
    assert first["items"][0]["routes"] == ["job digest", "list_visits"]
    second = json.loads(client.get(f"/api/v1/queries?limit=1&cursor={first['next']}", headers=key).content)
    assert [item["fingerprint"] for item in second["items"]] == [mark(SLEEPY)]
    assert second["next"] is None
    one = json.loads(client.get(f"/api/v1/queries/{mark(LATEST)}", headers=key).content)
    assert one["indexes"][0]["columns"] == ["guest_id", "at"]
    assert "Unproven" in one["indexes"][0]["unproven"]
    assert any(step["is_costliest"] for step in one["plan"])
    figures = json.loads(client.get("/api/v1/queries/statistics", headers=key).content)
    assert figures["database"]["connections"] >= 1
    assert figures["slow_ms"] == 100


@pytest.mark.parametrize(
    ("path", "status"),
    [("?range=later", 422), ("?sort=colour", 422), ("?limit=500", 422), ("/0000000000000000", 404)],
)
def test_the_api_refuses_what_makes_no_sense(client: Client, key: dict[str, str], path: str, status: int) -> None:
    assert client.get(f"/api/v1/queries{path}", headers=key).status_code == status
    assert client.get(f"/api/v1/queries{path}").status_code == 401


@pytest.mark.usefixtures("busy")
def test_what_is_older_than_the_range_is_not_shown(viewer: Client) -> None:
    store.store([make_met("SELECT old FROM t", ago=timedelta(hours=5), now=timezone.now())])
    assert "SELECT old" not in text(viewer, "?range=1h")
    assert "SELECT old" in text(viewer, "?range=6h")
