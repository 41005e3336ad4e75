"""The doors of orchestrators and load balancers: /livez, /readyz and /startupz. No sign-in, no secrets, no service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.views.decorators.http import require_safe

from monitoring.health.probes import verdict
from monitoring.health.probes.runner import the_runner
from monitoring.health.probes.verdict import UnknownCheckError, Verdict

PATHS: Final = {"/livez", "/readyz", "/startupz"}
ONE: Final = "/readyz/"
HEALTH_JSON: Final = "application/health+json"
FALSE: Final = {"0", "false", "no", "off"}
EXCLUDED: Final = 50

Answer = Callable[[HttpRequest], HttpResponse]


def probes_first(get_response: Answer) -> Answer:
    """Middleware: probes are answered before sessions, for whatever host: a kubelet names the pod's address."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.path_info not in PATHS and not request.path_info.startswith(ONE):
            return get_response(request)
        match = request.resolver_match = resolve(request.path_info)
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        return response

    return answer


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """200 while this process answers; asks no other service."""
    return _answer(request, verdict.live())


@require_safe
def readyz(request: HttpRequest, check: str = "") -> HttpResponse:
    """503 while a required check fails or the process is about to stop; warnings stay 200.

    `?verbose` tells all checks, `?exclude=NAME` leaves some out, and /readyz/NAME is about one.
    """
    runner = the_runner()
    runner.start()
    asked = ",".join(request.GET.getlist("exclude")).split(",")[:EXCLUDED]
    try:
        found = verdict.ready(runner, exclude={name for name in asked if name}, only=check)
    except UnknownCheckError:
        return HttpResponse(f"unknown: no check is called {check}\n", status=404, content_type="text/plain")
    return _answer(request, found)


@require_safe
def startupz(request: HttpRequest) -> HttpResponse:
    """503 until all required checks have passed once."""
    runner = the_runner()
    runner.start()
    return _answer(request, verdict.started(runner))


def _answer(request: HttpRequest, found: Verdict) -> HttpResponse:
    if _wants_json(request):
        response = HttpResponse(orjson.dumps(found.as_json()), content_type=HEALTH_JSON)
    else:
        is_verbose = request.GET.get("verbose", "no").lower() not in FALSE
        text = found.as_text(is_verbose=is_verbose)
        response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response.status_code = found.http_status
    response._has_been_logged = True  # type: ignore[attr-defined]  # a probe's 503 is no error of a request
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept"
    return response


def _wants_json(request: HttpRequest) -> bool:
    wanted = request.GET.get("format", "")
    accept = request.headers.get("Accept", "")
    return wanted == "json" or (wanted != "text" and (HEALTH_JSON in accept or "application/json" in accept))
