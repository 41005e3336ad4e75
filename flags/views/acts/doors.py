"""What all doors that change flags share: who acts, which flag, where to go afterwards, and refusals in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import wraps
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from flags import change
from flags.errors import FlagError, NotAllowedError, UnknownFlagError
from flags.models import Flag, Unit
from monitoring.console import pages
from monitoring.console.pages import REASON_LEAST

View = Callable[..., HttpResponse]
MAY_NOT: Final = "You see rollouts and change none. Ask somebody who may change flags"
ONLY_ADMINS: Final = "{} is locked: only people who may approve flags change it"
UNITS: Final[dict[str, str]] = {
    Unit.USER: "users",
    Unit.CONVERSATION: "conversations",
    Unit.WORKSPACE: "workspaces",
    Unit.SERVICE: "services",
}


def door(*methods: str) -> Callable[[View], View]:
    """For whoever is signed in. What a verb refuses becomes a page or a message in words, never an error."""

    def made(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **of: Any) -> HttpResponse:
            try:
                return view(request, *args, **of)
            except UnknownFlagError as error:
                raise Http404(str(error)) from None
            except NotAllowedError as error:
                return forbidden(request, str(error))
            except FlagError as error:
                return pages.refused(request, back(request, of.get("name", "")), f"Nothing was changed. {error}")

        return require_http_methods([*methods, "HEAD"])(login_required(answer))

    return made


def forbidden(request: HttpRequest, text: str) -> TemplateResponse:
    """403, with whom to ask."""
    return TemplateResponse(request, "flags/acts/forbidden.html", {"text": text, "back": home()}, status=403)


def person(request: HttpRequest) -> change.Person:
    return change.Person.of_user(request.user)


def found(name: str) -> Flag:
    """The flag, as PostgreSQL has it now."""
    flag: Flag | None = Flag.objects.filter(name=name).first()
    if flag is None:
        raise UnknownFlagError(f"There is no flag {name!r}.")
    return flag


def barred(who: change.Person, flag: Flag | None = None) -> str:
    """Why this person may not change the flag, "" where they may."""
    if not who.may_change:
        return MAY_NOT
    return ONLY_ADMINS.format(flag.name) if flag and flag.is_locked and not who.may_approve else ""


def admit(request: HttpRequest, flag: Flag | None = None) -> change.Person:
    """Who acts. Raises NotAllowedError, also where only a question is asked."""
    who = person(request)
    if words := barred(who, flag):
        raise NotAllowedError(f"{words}.")
    return who


def home(name: str = "") -> str:
    """The rollouts page, with the flag's part open."""
    return reverse("rollouts") + (f"?{urlencode({'open': name})}" if name else "")


def back(request: HttpRequest, name: str = "") -> str:
    """Where the question was asked: the rollouts page as it was filtered, else with the flag open."""
    said = request.POST.get("back") or request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    try:
        parts = urlsplit(said)
    except ValueError:
        return home(name)
    return parts._replace(scheme="", netloc="").geturl() if parts.path == reverse("rollouts") else home(name)


def version_of(sent: Mapping[str, str]) -> int:
    """The version that was seen, 0 for one that nobody can have seen."""
    text = sent.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def share_of(text: str) -> Decimal:
    """A share as people write it. Raises ValueError with what is wrong."""
    try:
        value = Decimal(text.strip().removesuffix("%").strip().replace(",", "."))
    except InvalidOperation:
        raise ValueError(f"{text[:20]!r} is no number" if text.strip() else "write a number from 0 to 100") from None
    if not value.is_finite() or not 0 <= value <= 100:
        raise ValueError("a share is from 0 to 100")
    if value != value.quantize(Decimal("0.001")):
        raise ValueError("a share has at most three decimals")
    return value


def percent(share: Decimal) -> str:
    """12.5 %, with no more decimals than it has."""
    return f"{plain(share)} %"


def plain(share: Decimal) -> str:
    """12.5, as an input takes it."""
    text = f"{share:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def ago(then: datetime | None, now: datetime) -> str:
    """12 s ago, 4m ago."""
    seconds = (now - then).total_seconds() if then else 0
    if seconds < 60:
        return f"{max(0, int(seconds))} s ago"
    minutes = int(seconds // 60)
    return f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago"


def with_default(request: HttpRequest, default: str) -> str:
    """What is instant takes no reason of its own, and keeps one that is given, however short."""
    said = request.POST.get("reason", "").strip()[:400]
    return said if len(said) >= REASON_LEAST else f"{default}: {said}" if said else default


def is_dialog(request: HttpRequest) -> bool:
    return bool(request.headers.get("HX-Request")) and request.method != "POST"


def as_page(request: HttpRequest) -> HttpResponse:
    """What is too large for a dialog is a page, also where it was asked for as one."""
    return HttpResponse(headers={"HX-Redirect": request.get_full_path()})
