"""The Content-Security-Policy of every answer: nothing of another origin, no inline script outside the admin."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

HEADER = "Content-Security-Policy"
BOUNDS = "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
STRICT = (
    "default-src 'none'; script-src 'self'; style-src-elem 'self'; style-src-attr 'unsafe-inline'; connect-src 'self'; "
    f"img-src 'self' data: blob:; font-src 'self'; {BOUNDS}"
)
# Unfold's Alpine evaluates attributes, and its templates carry scripts and styles
ADMIN = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    f"connect-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; {BOUNDS}"
)

Handler = Callable[[HttpRequest], HttpResponseBase]


def content_policy(get_response: Handler) -> Handler:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        policy = ADMIN if request.path.startswith("/admin/") else STRICT
        response.headers.setdefault(HEADER, policy)
        return response

    return middleware
