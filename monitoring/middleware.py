"""Times every request by its operation, and gives it its ids: of the request, and of the trace that it belongs to."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import perf_counter
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from monitoring.metrics.requests import answered
from monitoring.queries import capture
from monitoring.tracing import trace

UNSAFE: Final = re.compile(r"[^a-z0-9_-]+")

Answer = Callable[[HttpRequest], HttpResponse]


def measure(get_response: Answer) -> Answer:
    """Outermost middleware: all others are part of what it times. Static files are not operations."""

    def answer(request: HttpRequest) -> HttpResponse:
        began = perf_counter()
        given = request.META
        here = trace.begin(traceparent=given.get("HTTP_TRACEPARENT", ""), request_id=given.get("HTTP_X_REQUEST_ID", ""))
        seen = capture.begin(lambda: operation(request))
        response = get_response(request)
        capture.end(seen)
        if not request.path.startswith(settings.STATIC_URL):
            name, took_s = operation(request), perf_counter() - began
            answered(name, took_s, here, method=request.method or "", status=response.status_code)
        response[trace.REQUEST_ID] = here.request_id
        response[trace.TRACEPARENT] = here.traceparent
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
