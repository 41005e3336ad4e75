"""Puts relative dates on the calendar where their meaning is sure: "next Friday" → "on 2026-11-27"."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from memory.providers.local.statements.verbs import words_of

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_NUMBERS: Final = dict(
    zip(
        words_of("""a an one two three four five six seven eight nine ten eleven twelve"""),
        (1, *range(1, 2), *range(1, 13)),
        strict=True,
    )
)
_FIRST_MONTH: Final = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9}
# After these words a date stands without "on" or "in".
_TAKES_BARE: Final = r"(?:(?P<prep>since|until|till|by|from|before|after|of|than|on|in|around)\s+)?"
_RELATIVE = re.compile(
    r"\b" + _TAKES_BARE + r"(?<!the )(?<!about )(?<!around )(?<!almost )(?<!over )(?<!nearly )(?<!than )(?<!least )"
    r"(?:(?P<day>the day after tomorrow|"
    r"the day before yesterday|today|tomorrow|yesterday)"
    r"|(?P<which>next|last|this) (?P<unit>weekend|week|month|year|spring|summer|autumn|fall|"
    + "|".join(_WEEKDAYS)
    + r")"
    r"|(?P<count>\d{1,3}|" + "|".join(_NUMBERS) + r") (?P<ago>days?|weeks?|months?|years?) ago)\b(?!['\u2019]s|-)",
    re.IGNORECASE,
)
_DAY_OFFSETS: Final = {
    "the day before yesterday": -2, "yesterday": -1, "today": 0, "tomorrow": 1, "the day after tomorrow": 2,
}  # fmt: skip


def resolved(text: str, today: date) -> str:
    """Replace relative dates in `text`, said on the day `today`; what could mean two dates stays as it is.

    Days become ISO dates, weeks "the week of" their Monday, months and seasons get their year.
    """

    def calendar(found: re.Match[str]) -> str:
        when = _when(found, today)
        if when is None:
            return found[0]
        preposition, name = when
        given = found["prep"]
        return f"{given if given and given.lower() not in {'on', 'in'} else preposition} {name}"

    return _RELATIVE.sub(calendar, text) if _RELATIVE.search(text) else text


def _when(found: re.Match[str], today: date) -> tuple[str, str] | None:
    """Return the preposition and the name of the time that was meant, None where that isn't sure."""
    if found["day"]:
        return "on", (today + timedelta(days=_DAY_OFFSETS[found["day"].lower()])).isoformat()
    if found["ago"]:
        return _ago(found["count"].lower(), found["ago"].lower().rstrip("s"), today)
    which, unit = found["which"].lower(), found["unit"].lower()
    if unit in _WEEKDAYS:
        return _weekday(which, _WEEKDAYS.index(unit), today)
    if unit in _FIRST_MONTH:
        return _season(which, unit, today)
    return _period(which, unit, today)


def _ago(count: str, unit: str, today: date) -> tuple[str, str] | None:
    number = int(count) if count.isdigit() else _NUMBERS[count]
    if unit == "day":
        return "on", (today - timedelta(days=number)).isoformat()
    return _UNITS[unit](today, -number)


def _weekday(which: str, weekday: int, today: date) -> tuple[str, str] | None:
    """Resolve only where both readings of "next" and "last" (nearest, or in the neighbouring week) name one day."""
    ahead = (weekday - today.weekday() - 1) % 7 + 1
    behind = (today.weekday() - weekday - 1) % 7 + 1
    if which == "next" and today.weekday() + ahead >= 7:
        return "on", (today + timedelta(days=ahead)).isoformat()
    if which == "last" and today.weekday() - behind < 0:
        return "on", (today - timedelta(days=behind)).isoformat()
    if which == "this" and weekday > today.weekday():
        return "on", (today + timedelta(days=weekday - today.weekday())).isoformat()
    return None


def _season(which: str, unit: str, today: date) -> tuple[str, str] | None:
    first = _FIRST_MONTH[unit]
    if which == "last" and today.month < first + 3:
        return "in", f"{unit} {today.year - 1}"
    if which == "next" and today.month >= first:
        return "in", f"{unit} {today.year + 1}"
    return ("in", f"{unit} {today.year}") if which == "this" else None


def _weekend(which: str, today: date) -> tuple[str, str] | None:
    """Resolve "last weekend" from Monday to Thursday; later in the week both neighbours can be meant."""
    if which != "last" or today.weekday() > 3:
        return None
    return "on", f"the weekend of {(today - timedelta(days=today.weekday() + 2)).isoformat()}"


def _period(which: str, unit: str, today: date) -> tuple[str, str] | None:
    if unit == "weekend":
        return _weekend(which, today)
    offset = {"last": -1, "this": 0, "next": 1}[which]
    return None if unit == "week" and not offset else _UNITS[unit](today, offset)


def _week(today: date, offset: int) -> tuple[str, str]:
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=offset)
    return "in", f"the week of {monday.isoformat()}"


def _month(today: date, offset: int) -> tuple[str, str]:
    year, month = divmod(today.year * 12 + today.month - 1 + offset, 12)
    return "in", f"{_MONTHS[month]} {year}"


def _year(today: date, offset: int) -> tuple[str, str]:
    return "in", str(today.year + offset)


_UNITS: Final[dict[str, Callable[[date, int], tuple[str, str]]]] = {"week": _week, "month": _month, "year": _year}
