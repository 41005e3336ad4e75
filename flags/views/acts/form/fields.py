"""The form of a flag as people see it: which fields, in which groups, with what hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flags.models import Flag, Kind, Unit
from flags.snapshot import OPERATORS
from flags.views.acts import doors, sheet
from flags.views.acts.form.raw import AND, Raw, Row
from monitoring.console.field import Field
from monitoring.formats import zone

THEN: Final = (("on", "then on"), ("off", "then off"), (AND, "and, next row"))
RULES_HINT: Final = (
    "Before the share, the first that fits decides. Values are separated by commas; quotes make text of a number. "
    "Empty a row's attribute and values to drop it."
)
SHOWN: Final = (
    *("name", "percent", "note", "owner", "kind", "unit", "expires_on", "needs"),
    *("starts_at", "ends_at", "is_locked", "rules", "salt", "reason"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the rules: its number in the form, and what it says."""

    number: int
    row: Row


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under a heading; `lines` where it is the rules."""

    title: str
    fields: tuple[Field, ...] = ()
    hint: str = ""
    problem: str = ""
    lines: tuple[Line, ...] = ()


def groups(given: Raw, faults: Mapping[str, str], *, flag: Flag | None) -> tuple[Group, ...]:
    """The form, with the reason beside each field that was refused."""

    def made(**field: Any) -> Field:
        name = field["name"]
        return Field(**{"value": given.text[name], "problem": sheet.sentence(faults.get(name, ""))} | field)

    return (
        Group("What it is", _identity(made, flag)),
        Group("Who is drawn", _drawn(made, flag, faults)),
        Group("Rules", (), RULES_HINT, sheet.sentence(faults.get("rules", "")), lines(given)),
        Group("When", _schedule(made)),
    )


def lines(given: Raw) -> tuple[Line, ...]:
    return tuple(Line(number, row) for number, row in enumerate(given.rows))


def operators() -> tuple[tuple[str, str], ...]:
    return tuple((name, name.replace("_", " ")) for name in OPERATORS)


def _identity(made: Any, flag: Flag | None) -> tuple[Field, ...]:
    name = made(
        name="name",
        label="Name",
        width="half",
        most=100,
        example="richer_context",
        hint="Small letters, digits, dot, hyphen and underscore. It never changes.",
    )
    share = made(
        name="percent",
        label="Share",
        kind="number",
        minimum="0",
        step="0.001",
        unit="%",
        width="half",
        hint="Where it begins. 0: nobody.",
    )
    return (
        *(() if flag else (name, share)),
        made(
            name="note",
            label="What it does",
            kind="area",
            rows=2,
            width="wide",
            most=2000,
            example="Richer context blocks before each answer",
            hint="For whoever has to decide about it at night.",
        ),
        made(
            name="kind", label="Kind", kind="select", options=tuple(Kind.choices), hint="Releases and experiments end."
        ),
        made(name="owner", label="Owner", most=100, example="retrieval", hint="Who is asked about it."),
        made(name="expires_on", label="Expires", kind="date", hint="Listed as stale after this day."),
        made(
            name="is_locked",
            label="Locked",
            kind="check",
            width="wide",
            example="Only people who may approve flags change it",
            hint="For what must not be switched in passing.",
        ),
    )


def _drawn(made: Any, flag: Flag | None, faults: Mapping[str, str]) -> tuple[Field, ...]:
    found = (
        made(
            name="unit",
            label="Unit",
            kind="select",
            options=tuple(Unit.choices),
            width="half",
            hint="The same unit always gets the same answer. Another one draws everybody anew.",
        ),
        made(
            name="needs",
            label="Needs",
            width="half",
            most=1200,
            example="real_time_dedup, chatgpt_memory",
            hint="Flags that must be on for the unit too, separated by commas.",
        ),
    )
    if flag is None:
        return found
    reshuffle = made(
        name="reshuffle",
        label="Reshuffle",
        kind="check",
        width="wide",
        example="Draw everybody anew",
        problem=sheet.sentence(faults.get("salt", "")),
        hint=_consequence(flag),
    )
    return (*found, reshuffle)


def _consequence(flag: Flag) -> str:
    """What a new salt does at the share that the flag has."""
    units = doors.UNITS[flag.unit]
    if not 0 < flag.share < 100:
        return f"Other {units} come first the next time the share rises. Its cohorts begin from nothing."
    lose = doors.percent((100 - flag.share).quantize(1) if flag.share == flag.share.quantize(1) else 100 - flag.share)
    return (
        f"About {lose} of the {units} that have it lose it, as many others get it, and its cohorts begin from "
        "nothing. The share stays."
    )


def _schedule(made: Any) -> tuple[Field, ...]:
    return (
        made(
            name="starts_at",
            label="From",
            kind="datetime-local",
            width="half",
            hint=f"Off before. Empty: already. Times are {zone()}.",
        ),
        made(
            name="ends_at", label="Until", kind="datetime-local", width="half", hint="Off from then on. Empty: no end."
        ),
    )
