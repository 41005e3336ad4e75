"""The zone in which the console tells times: UTC, unless the URL or a cookie names another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

NAME = "tz"
KEPT = timedelta(days=365)

Answer = Callable[[HttpRequest], HttpResponse]


def zoned(get_response: Answer) -> Answer:
    """Middleware: whatever is told in the answer is told in the chosen zone, which a cookie keeps."""

    def answer(request: HttpRequest) -> HttpResponse:
        asked = request.GET.get(NAME, "")
        wanted = asked or request.COOKIES.get(NAME, "")
        if wanted in {"", "UTC"} or not is_known(wanted):
            response = get_response(request)
        else:
            with timezone.override(ZoneInfo(wanted)):
                response = get_response(request)
        if asked and is_known(asked):
            response.set_cookie(
                NAME, asked, max_age=KEPT, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
            )
        return response

    return answer


def is_known(name: str) -> bool:
    """Whether there is a zone of that name."""
    return name in _names()


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())
