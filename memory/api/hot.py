"""The hot read: a context that is cached is answered before Django, since Django costs more than all else of it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable
from io import BytesIO
from time import perf_counter
from typing import Any, Final

import orjson
from django.utils import timezone

from flags import cohorts
from memory import access, caching, tuning
from memory.access import Caller
from memory.context import served
from memory.context.shape import Shape, shape_of
from monitoring.metrics.requests import answered
from monitoring.tracing import trace
from monitoring.tracing.trace import Trace

PATH = "/api/v1/context"
BODY_LIMIT = 64 * 1024  # a question that is longer takes the long way
KIND: Final = "chat.response"  # what cohorts are compared by here

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def key_of(body: bytes, settings: str, shape: Shape) -> str:
    """What an answer is cached by: the very bytes that asked, the mark of the settings, and what flags make of it."""
    return hashlib.blake2b(body, digest_size=16).hexdigest() + settings + shape.mark


def serve_cached_context(application: Application) -> Application:
    """Wrap a WSGI application: hits of the context cache are answered here, all else goes through untouched.

    Only a key that this process has authenticated within the last seconds is accepted; its first use goes through.
    """

    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != "POST":
            return application(environ, start_response)
        began = perf_counter()
        here = trace.begin(
            traceparent=environ.get("HTTP_TRACEPARENT", ""), request_id=environ.get("HTTP_X_REQUEST_ID", "")
        )
        found = _look_up(environ, began)
        if found is None:
            return application(environ, start_response)
        start_response("200 OK", _headers(here, len(found)))
        answered("assemble_context", perf_counter() - began, here, method="POST", status=200)
        return [found]

    return answer


def _look_up(environ: Environ, began: float) -> bytes | None:
    caller = _caller(environ.get("HTTP_AUTHORIZATION", ""))
    length = environ.get("CONTENT_LENGTH") or "0"
    if caller is None or not length.isdecimal() or not 0 < int(length) <= BODY_LIMIT:
        return None
    body = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = BytesIO(body)  # for whoever comes after us
    try:
        asked = orjson.loads(body)
        user_id = asked["user_id"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None  # the long way says what is wrong
    if not isinstance(user_id, str):
        return None
    return _peek(caller.workspace_id, user_id, body, asked.get("variant"), began)


def _peek(workspace_id: uuid.UUID, user_id: str, body: bytes, variant: Any, began: float) -> bytes | None:
    """The answer in the shape that the user gets now. Cohorts hear of a hit only: the long way tells of the rest."""
    settings = tuning.peek_mark(workspace_id)
    if settings is None:
        return None  # the long way reads them
    scope, found = cohorts.begin(KIND), None
    try:
        shape = shape_of(workspace_id, user_id, cohorts.exposed, wanted=variant)
        found = caching.peek_context(workspace_id, user_id, key_of(body, settings, shape), asked=body)
        if found is not None:
            served.again(found)
    finally:
        if found is None:
            scope.noted.clear()
        cohorts.finish(scope, perf_counter() - began, False)
    return found


def _caller(authorization: str) -> Caller | None:
    scheme, _, key = authorization.partition(" ")
    return access.known(key.strip(), now=timezone.now()) if scheme.lower() in {"bearer", "token"} else None


def _headers(here: Trace, length: int) -> list[tuple[str, str]]:
    return [
        ("Content-Type", "application/json"),
        ("Content-Length", str(length)),
        ("X-Content-Type-Options", "nosniff"),
        (trace.REQUEST_ID, here.request_id),
        (trace.TRACEPARENT, here.traceparent),
    ]
