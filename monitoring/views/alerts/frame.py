"""What the four pages of alerts share: the way between them, choices of filters, and fields of forms."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse

from monitoring.alerts import Problem, RefusedError
from monitoring.console.field import Field

PLACES = (
    ("Alerts", "alerts"),
    ("Rules", "alert-rules"),
    ("Silences", "alert-silences"),
    ("Channels", "alert-channels"),
)
CHANGED, CHANGED_S = "alerts:changed", 30
ONLY = "Needs the permission to change {}"


@dataclass(frozen=True, slots=True)
class Place:
    label: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Act:
    """A button: where it leads or asks, its words, and why it can't be pressed, if it can't."""

    key: str
    words: str
    icon: str
    href: str
    refused: str = ""
    look: str = ""
    asks: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter, as a link."""

    key: str
    word: str
    href: str
    count: int
    is_on: bool


def places(current: str, *acts: Act) -> dict[str, Any]:
    """The context of alert_places.html: the four pages, and what may be done on this one."""
    found = [Place(label, reverse(name), name == current) for label, name in PLACES]
    return {"places": found, "place_acts": acts}


def new_rule(request: HttpRequest) -> Act:
    may_not = refused(request, "monitoring.add_alertrule", "rules")
    return Act("new", "New rule", "plus", reverse("alert-rule-new"), may_not, "main-act", asks=False)


def refused(request: HttpRequest, permission: str, of: str) -> str:
    """Why this person may not, "" where they may."""
    return "" if request.user.has_perm(permission) else ONLY.format(of)


def told(refusal: RefusedError) -> str:
    """All that was refused, as sentences."""
    return " ".join(sentence(str(problem)) for problem in refusal.problems.values())


def sentence(text: str) -> str:
    """The engine's words begin small and have no end."""
    whole = f"{text[:1].upper()}{text[1:]}"
    return whole if whole.endswith(("?", ".")) or not whole else f"{whole}."


def with_problem(field: dict[str, Any], problems: Mapping[str, Problem]) -> Field:
    problem = problems.get(field["name"])
    if problem is None:
        return Field(**field)
    return Field(**field, problem=sentence(problem.message), suggestion=sentence(problem.suggestion))


def address(name: str, state: Mapping[str, str], *args: Any) -> str:
    """A page's address with what is not empty of its state."""
    kept = {key: value for key, value in state.items() if value}
    return reverse(name, args=args) + (f"?{urlencode(kept)}" if kept else "")


def changed() -> None:
    """Have the next look see what was just done by hand, also where a page is worked out once for all viewers."""
    cache.set(CHANGED, uuid.uuid4().hex[:8], timeout=CHANGED_S)


def change_stamp() -> str:
    """Differs after every `changed`."""
    return str(cache.get(CHANGED, ""))
