from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone

from memory import caching
from memory.access import forget_callers
from memory.api.hot import serve_cached_context
from memory.models import ApiKey
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


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"user_id": 5}', b'{"query": "x"}', b""])
def test_a_bad_question_is_refused_by_the_long_way(api: Api, body: bytes) -> None:
    api.get("jobs")  # the key is known
    django = Counting()
    status, _, problem = ask(django, api, body)
    assert django.asked == 1
    assert status[:3] in {"400", "422"}
    assert problem["detail"]
