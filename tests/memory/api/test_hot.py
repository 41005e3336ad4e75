from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone

from flags import cohorts, snapshot
from flags.bucketing import bucket, threshold
from flags.models import CohortUnit
from memory import caching
from memory.access import forget_callers
from memory.api.hot import serve_cached_context
from memory.catalogue import CHATGPT_MEMORY, ENHANCED_PROMPTS
from memory.models import ApiKey
from tests.flags.make import make_flag
from tests.make import make_memory
from tests.memory.api.conftest import Api

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept_connection() -> Iterator[None]:
    """Keep the test's transaction open over requests, as Django's test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


class Counting:
    """The application behind the hot read, and how often it was asked."""

    def __init__(self) -> None:
        self.django = get_wsgi_application()
        self.asked = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.asked += 1
        return self.django(environ, start_response)


def ask(application: Any, api: Api, body: bytes, **headers: str) -> tuple[str, dict[str, str], Any]:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/v1/context",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        "HTTP_AUTHORIZATION": f"Bearer {api.key}",
    } | headers
    answered: list[Any] = []
    content = b"".join(serve_cached_context(application)(environ, lambda *parts: answered.extend(parts)))
    return answered[0], dict(answered[1]), json.loads(content)


def test_a_second_question_is_answered_before_django_with_the_same_bytes(api: Api) -> None:
    make_memory("Lives in Leeds", api.workspace)
    django, body = Counting(), b'{"user_id": "mara", "query": "Leeds"}'
    first = ask(django, api, body)
    again = ask(django, api, body, HTTP_X_REQUEST_ID="mine")
    assert django.asked == 1
    assert first[0] == again[0] == "200 OK"
    assert first[2] == again[2]
    assert again[1]["X-Request-ID"] == "mine"


def test_after_a_write_the_next_question_goes_the_long_way(api: Api) -> None:
    django, body = Counting(), b'{"user_id": "mara"}'
    ask(django, api, body)
    caching.forget_context(api.workspace.pk, "mara")
    ask(django, api, body)
    assert django.asked == 2


def test_an_unknown_expired_or_forgotten_key_is_never_served_from_the_cache(api: Api) -> None:
    django, body = Counting(), b'{"user_id": "mara"}'
    ask(django, api, body)
    assert ask(django, api, body, HTTP_AUTHORIZATION="Bearer m0-other")[0].startswith("401")
    ApiKey.objects.update(revoked_at=timezone.now() - timedelta(seconds=1))
    forget_callers()
    assert ask(django, api, body)[0].startswith("401")


def test_a_flag_that_changes_changes_the_next_answer_and_what_was_cached_before_is_there_again(api: Api) -> None:
    make_memory("Lives in Leeds", api.workspace)
    flag = make_flag(ENHANCED_PROMPTS.name, 0)
    django, body = Counting(), b'{"user_id": "mara", "query": "Leeds"}'

    def variants(*shares: int) -> list[str]:
        found = []
        for share in shares:
            flag.percent = share
            flag.save()
            snapshot.forget()
            found.append(ask(django, api, body)[2]["variant"])
        return found

    assert variants(0, 100, 0, 100) == ["plain", "enhanced", "plain", "enhanced"]
    assert django.asked == 2
    wanted = b'{"user_id": "mara", "query": "Leeds", "variant": "plain"}'
    assert [ask(django, api, wanted)[2]["variant"] for _ in range(2)] == ["plain", "plain"]
    assert django.asked == 3
    assert ask(django, api, b'{"user_id": "mara", "variant": "loud"}')[0].startswith("422")


def test_both_arms_are_measured_at_the_same_place_cached_or_not(api: Api) -> None:
    half = make_flag(ENHANCED_PROMPTS.name, 50, salt="half")
    make_flag(CHATGPT_MEMORY.name, 0, everyone=False)
    users = [f"user-{number}" for number in range(8)]
    inside = {user for user in users if bucket(half.salt, user) < threshold(Decimal(50))}
    assert 0 < len(inside) < 8
    django = Counting()
    for user in users:
        for _ in range(3):
            ask(django, api, json.dumps({"user_id": user}).encode())
    ask(
        django, api, json.dumps({"user_id": users[0], "variant": "plain"}).encode()
    )  # a request's own wish says nothing
    assert django.asked == 9
    assert cohorts.flush()
    cohorts.Collector().tick(int(time.time()))
    measured = CohortUnit.objects.filter(flag=half).values_list("unit", "is_exposed", "requests", "errors")
    assert sorted(measured) == [(user, user in inside, 3, 0) for user in users]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"user_id": 5}', b'{"query": "x"}', b""])
def test_a_bad_question_is_refused_by_the_long_way(api: Api, body: bytes) -> None:
    api.get("jobs")  # the key is known
    django = Counting()
    status, _, problem = ask(django, api, body)
    assert django.asked == 1
    assert status[:3] in {"400", "422"}
    assert problem["detail"]
