"""What all acts on memories share: who may, which memory, where to go afterwards, and refusals in the dialog."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from flags.views.acts import sheet
from flags.views.acts.sheet import Sheet
from memory.errors import ConflictError, GoneError, HoldfastError, InvalidError, NotFoundError
from memory.models import Decision, Memory
from memory.views.memories.detail.detail import MAY_CHANGE, MAY_FORGET
from memory.views.memories.listing.find import UNLOADED
from monitoring.console.pages import Fact
from monitoring.formats import number

STATUS: Final[dict[type[HoldfastError], int]] = {
    NotFoundError: 404,
    GoneError: 410,
    ConflictError: 409,
    InvalidError: 422,
}
NOT_KEPT: Final = {"open", "decision"}  # of the list's address, where a memory is named by the path
SHOWN: Final = 200  # characters of a text in a question
View = Callable[..., HttpResponse]


def door(permission: str = MAY_CHANGE) -> Callable[[View], View]:
    """For whoever may do this; asks on GET, acts on POST."""

    def made(view: View) -> View:
        guarded = permission_required(permission, raise_exception=True)(view)
        return require_http_methods(["GET", "HEAD", "POST"])(login_required(wraps(view)(guarded)))

    return made


def memory_of(id: uuid.UUID) -> Memory:
    return get_object_or_404(Memory.objects.select_related("workspace").defer(*UNLOADED), pk=id)


def home(request: HttpRequest, id: uuid.UUID) -> str:
    """The memory's page, in the list that it was chosen from."""
    said = request.POST.get("back") or request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    try:
        parts = urlsplit(said)
    except ValueError:
        return reverse("memory", args=[id])
    is_ours = parts.path.startswith(reverse("memories"))
    kept = {name: value for name, value in parse_qsl(parts.query) if name not in NOT_KEPT} if is_ours else {}
    return reverse("memory", args=[id]) + (f"?{urlencode(kept)}" if kept else "")


def reason_of(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()


def unreasoned(reason: str) -> dict[str, str]:
    """What is wrong with a reason, by the field's name; empty where it will do."""
    return {} if sheet.fits(reason) else {"reason": sheet.wanted(reason)}


def told(error: HoldfastError) -> dict[str, str]:
    """What a verb refuses, by field; what is about no field is under an empty name."""
    if isinstance(error, InvalidError):
        return {field.partition(".")[0]: message for field, message in error.faults}
    return {"": str(error)}


def again(request: HttpRequest, question: Sheet, faults: Mapping[str, str], *, status: int = 422) -> TemplateResponse:
    """The question once more, with what was wrong; nothing was changed."""
    shown = {field.name for field in question.fields}
    others = " ".join(
        sheet.sentence(f"{name}: {text}" if name else text) for name, text in faults.items() if name not in shown
    )
    return sheet.shown(request, replace(question, problem=others), status=status)


def refused(request: HttpRequest, question: Sheet, error: HoldfastError) -> TemplateResponse:
    return again(request, question, told(error), status=STATUS.get(type(error), 409))


def cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def undo_of(memory_id: uuid.UUID, outcome: str) -> str:
    """Where the latest decision of a kind about a memory is taken back."""
    made = Decision.objects.filter(memory=memory_id, outcome=outcome).order_by("-pk").values_list("pk", flat=True)
    latest = made.first()
    return reverse("memory-undo", args=[latest]) if latest else ""


def served_fact(times: int) -> Fact:
    return Fact("Served", f"{number(times)} times" if times != 1 else "once", "in the last 14 days")


def context(request: HttpRequest, template: str, **of: Any) -> TemplateResponse:
    """A dialog of its own for HTMX, else a page."""
    is_dialog = bool(request.headers.get("HX-Request"))
    of |= {"frame": "memory/memories/acts/dialog.html" if is_dialog else "memory/memories/acts/page.html"}
    return TemplateResponse(request, template, of)


__all__ = ["MAY_CHANGE", "MAY_FORGET", "door"]
