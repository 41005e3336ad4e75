"""The drill of the console itself: every page is made as for somebody who looks, and timed."""

from __future__ import annotations

from io import BytesIO
from time import perf_counter
from typing import Final

from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import resolve

from monitoring.console.shell import PLACES
from monitoring.health.drills import Drill, Spec, register, require

PAGE_MS: Final = 150.0
AGAIN_S: Final = 5.0  # as long as there is so much left for the others
NOT_OURS: Final = ("/admin/", "/api/")


def drill(drill: Drill) -> None:
    """Make each page that the rail leads to; one that is slow is made again, now that its templates are loaded."""
    pages = _pages()
    require(bool(pages), "The console has no page.")
    for label, path in pages:
        with drill.step(f"make the page {label}") as step:
            took_ms, size = _made(path)
            if took_ms > PAGE_MS and drill.left_s > AGAIN_S:
                took_ms = min(took_ms, _made(path)[0])
            step.detail = f"{size:,} bytes"
        drill.figure(label, took_ms, "ms", PAGE_MS)


def _pages() -> list[tuple[str, str]]:
    """Names and paths of the console's own pages, those of the admin and the API's left out."""
    found = ((place.label, place.address(for_staff=False)) for places in PLACES.values() for place in places)
    return [(label, path) for label, path in found if path and not path.startswith(NOT_OURS)]


def _made(path: str) -> tuple[float, int]:
    """Milliseconds and bytes of a page, made without asking over the network."""
    request = _request(path)
    began = perf_counter()
    match = request.resolver_match = resolve(path)
    response = match.func(request, *match.args, **match.kwargs)
    if isinstance(response, TemplateResponse):
        response.render()
    took_ms = (perf_counter() - began) * 1000
    require(response.status_code == 200, f"The page answered {response.status_code}.")
    return took_ms, len(response.content)


def _request(path: str) -> HttpRequest:
    """As of somebody who is signed in and may look: nobody who exists, and kept nowhere."""
    server = {"SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.input": BytesIO()}
    request = WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": path} | server)
    request.user = User(username="drill", is_superuser=True)
    return request


def register_all() -> None:
    register(
        Spec(
            name="monitoring-dashboard-test",
            title="Console pages",
            about="Makes every page of the console as for somebody who looks, and times it.",
            do=drill,
            method="GET",
        )
    )
