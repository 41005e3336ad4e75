"""What the doors of the console's pages share: live fragments, and the question before a change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from monitoring import formats
from monitoring.console import freshness, sheet
from monitoring.console.live import Live as Live
from monitoring.console.live import live as live
from monitoring.console.shell import chosen_range

REASON_LEAST, REASON_MOST = 8, 500


def respond(request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
    """The page. HTMX, which asks when a link only changes what the page shows, gets its partial `live`.

    With `?csv=KEY` the answer is the figures of the page's chart of that key.
    """
    if key := request.GET.get(sheet.NAME):
        return sheet.Sheet(request, key, context)
    name = f"{template}#live" if request.headers.get("HX-Request") else template
    response = TemplateResponse(request, name, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def etag(request: HttpRequest, stamp: str) -> str:
    """Of the fragments that this URL shows while `stamp` stays, in this version and to this person."""
    seen = f"{request.get_full_path()} {getattr(request.user, 'pk', '')} {formats.zone()}"
    return f'"{settings.HOLDFAST_VERSION}-{stamp}-{hashlib.blake2b(seen.encode(), digest_size=6).hexdigest()}"'


View = Callable[..., HttpResponse]
Stamp = Callable[[HttpRequest], str]


def _of_snapshot(request: HttpRequest) -> str:
    return freshness.stamp(chosen_range(request), now=timezone.now())


def refreshed(stamp: Stamp = _of_snapshot) -> Callable[[View], View]:
    """The door of what moves on a page, for whoever is signed in; 304 while `stamp` stays, as the snapshot's does."""

    def door(view: View) -> View:
        def tag(request: HttpRequest, *args: Any, **of: Any) -> str:
            return etag(request, stamp(request))

        fresh = condition(etag_func=tag)(view)
        return require_safe(login_required(cache_control(private=True, no_cache=True)(fresh)))

    return door


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of a question's blast radius: what it will be, and what it is."""

    label: str
    value: str
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What else the question asks for, such as how long: `options` are (value, words), of which the first is chosen."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before a change, in the order in which it is read."""

    title: str
    verb: str  # on the button that confirms: the verb and the value
    keep: str  # on the safe button: what stays
    back: str  # where to go afterwards, unless the request says where it came from
    about: str = ""
    subject: str = ""  # of the title, set as code
    facts: tuple[Fact, ...] = ()
    warning: str = ""
    choices: tuple[Choice, ...] = ()
    outlook: tuple[tuple[str, str], ...] = ()  # what happens if it goes wrong, whether it can be undone
    icon: str = ""
    is_danger: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes: by whom, why, and where to go now."""

    actor: str
    reason: str
    back: str
    chosen: dict[str, str]


def ask(request: HttpRequest, question: Question) -> Answer | HttpResponse:
    """The answer once there is one with a reason; until then the response that asks.

    HTMX gets the dialog; without it the question is a page. A reason under eight characters is asked for again (422).
    """
    back = _origin(request) or question.back
    reason = request.POST.get("reason", "").strip()
    chosen = {choice.name: request.POST.get(choice.name, "") for choice in question.choices}
    fits = all(chosen[choice.name] in dict(choice.options) for choice in question.choices)
    if request.method == "POST" and fits and REASON_LEAST <= len(reason) <= REASON_MOST:
        return Answer(request.user.get_username(), reason, back, chosen)
    missing = max(0, REASON_LEAST - len(reason)) if request.method == "POST" else 0
    context = {"question": question, "back": back, "reason": reason, "missing": missing, "chosen": chosen}
    template = "parts/dialog.html" if request.headers.get("HX-Request") else "confirm.html"
    response = TemplateResponse(request, template, context, status=422 if request.method == "POST" else 200)
    patch_vary_headers(response, ["HX-Request"])
    return response


def done(request: HttpRequest, back: str, text: str, *, undo: str = "", undo_now: str = "") -> HttpResponse:
    """Go back, and say for six seconds what was done.

    `undo` is the address of the question that takes it back, `undo_now` one that takes it back when it is posted to.
    """
    messages.success(request, text, extra_tags=f"now {undo_now}" if undo_now else undo)
    return HttpResponseRedirect(back)


def refused(request: HttpRequest, back: str, text: str) -> HttpResponse:
    """Go back, and say what was not done and why; the first sentence stands out."""
    lead, stop, rest = text.partition(". ")
    messages.error(request, format_html("<b>{}{}</b>{}", lead, stop, rest) if stop else text)
    return HttpResponseRedirect(back)


def _origin(request: HttpRequest) -> str:
    """The path and query that the request came from, "" where that is another site or the question itself."""
    said = request.POST.get("back") or request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(said, allowed_hosts={request.get_host()}):
        return ""
    parts = urlsplit(said)
    path = parts._replace(scheme="", netloc="").geturl()
    # again: a path of two slashes would name another host
    is_ours = url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if is_ours and parts.path not in {request.path, reverse("sign-in")} else ""
