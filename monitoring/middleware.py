"""Times every request by its operation, and gives it an id."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from monitoring.metrics import count, observe
from monitoring.tracing import request_id

UNSAFE = re.compile(r"[^a-z0-9_-]+")
HEADER = "X-Request-ID"

Answer = Callable[[HttpRequest], HttpResponse]


def measure(get_response: Answer) -> Answer:
    """Outermost middleware: all others are part of what it times. Static files are not operations."""

    def answer(request: HttpRequest) -> HttpResponse:
        id = request_id.begin(request.headers.get(HEADER, ""))
        began = perf_counter()
        response = get_response(request)
        if not request.path.startswith(settings.STATIC_URL):
            _record(operation(request), perf_counter() - began, response.status_code)
        response[HEADER] = id
        return response

    return answer


def operation(request: HttpRequest) -> str:
    """The operation's name: its URL's name; where several methods share a URL, with the method."""
    match = request.resolver_match
    if match is None:
        return "unmatched"
    name = UNSAFE.sub("-", (match.url_name or match.func.__name__).lower())
    shared = getattr(match.func, "__self__", None)  # django-ninja: one view object for a path and its operations
    several = len(getattr(shared, "operations", ())) > 1
    return f"{name}.{(request.method or '').lower()}" if several else name


def _record(name: str, seconds: float, status: int) -> None:
    observe("requests", seconds)
    observe(f"operation.{name}", seconds)
    if status >= 500:
        count("requests.errors")
        count(f"operation.{name}.errors")
