"""The question before a change of a flag: what it does to whom, what somebody else changed since, and the fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.cache import patch_vary_headers

from monitoring.console.field import Field
from monitoring.console.pages import REASON_LEAST, REASON_MOST, Fact

REASON_HINT: Final = "Kept with your name. 8 characters or more."


@dataclass(frozen=True, slots=True)
class Warn:
    """What bears on this decision: the sentence that stands out, and the rest."""

    lead: str
    text: str = ""
    tone: str = "warn"
    icon: str = "warn"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that others changed since: as you saw it, as it is now, and as you want it."""

    field: str
    seen: str
    now: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Since:
    """Who changed the flag since it was seen."""

    said: str
    rows: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """All of a question, in the order in which it is read."""

    title: str
    subject: str  # of the title, set as code
    verb: str
    keep: str
    back: str
    tail: str = "?"  # of the title, after its subject
    about: str = ""
    facts: tuple[Fact, ...] = ()
    facts_note: str = ""
    since: Since | None = None
    warnings: tuple[Warn, ...] = ()
    problem: str = ""
    fields: tuple[Field, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    outlook: tuple[tuple[str, str], ...] = ()
    barred: str = ""  # why the button can't be pressed
    icon: str = ""
    is_danger: bool = False


def rest(faults: Mapping[str, str], *shown: str) -> str:
    """What was said of fields that the form doesn't show."""
    return " ".join(sentence(f"{name}: {text}") for name, text in faults.items() if name not in shown)


def reason_field(value: str, faults: Mapping[str, str], *, waits: str = "go", is_first: bool = True) -> Field:
    """The reason, for which the button waits."""
    return Field(
        name="reason",
        label="Reason",
        value=value,
        kind="area",
        rows=2,
        most=REASON_MOST,
        least=REASON_LEAST,
        width="wide",
        is_first=is_first,
        waits=waits,
        hint=REASON_HINT,
        problem=sentence(faults.get("reason", "")),
    )


def optional_reason() -> Field:
    """Of what needs none."""
    hint = "Kept with your name. Not needed."
    return Field(
        name="reason", label="Reason", kind="area", rows=2, most=REASON_MOST, width="wide", is_first=True, hint=hint
    )


def fits(reason: str) -> bool:
    return REASON_LEAST <= len(reason) <= REASON_MOST


def wanted(reason: str) -> str:
    """What is wrong with a reason that does not fit."""
    missing = REASON_LEAST - len(reason)
    return (
        f"Write {missing} more character{'' if missing == 1 else 's'}"
        if missing > 0
        else f"A reason has at most {REASON_MOST} characters"
    )


def sentence(text: str) -> str:
    """The verbs' words begin small and have no end. A flag's name stays as it is."""
    first = text.partition(" ")[0]
    whole = f"{text[:1].upper()}{text[1:]}" if first.replace("'", "").isalpha() else text
    return whole if whole.endswith((".", "?")) or not whole else f"{whole}."


def shown(request: HttpRequest, sheet: Sheet, *, status: int = 200) -> TemplateResponse:
    """The dialog for HTMX, else a page of its own."""
    name = "dialog" if request.headers.get("HX-Request") else "page"
    context: dict[str, Any] = {"sheet": sheet, "action": request.path}
    response = TemplateResponse(request, f"flags/acts/{name}.html", context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response
