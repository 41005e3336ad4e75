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
    r"the day before yesterday|today|tonight|tomorrow|yesterday)"
    r"|(?P<which>next|last|this) (?P<unit>weekend|week|month|year|spring|summer|autumn|fall|winter|"
    + "|".join((*_WEEKDAYS, *_MONTHS))
    + r")"
    r"|(?P<count>\d{1,3}|" + "|".join(_NUMBERS) + r") (?P<ago>days?|weeks?|months?|years?) ago)\b(?!['\u2019]s|-)",
    re.IGNORECASE,
)
_DAY_OFFSETS: Final = {
    "the day before yesterday": -2, "yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1,
    "the day after tomorrow": 2,
}  # fmt: skip
# Only where the tense says which way to count: "is flying on Monday", "fell on Monday".
_WEEKDAY = re.compile(
    r"(?<!every )(?<!each )(?<!next )(?<!last )\b(?P<prep>on|by|until|before|after|since) "
    rf"(?P<weekday>{'|'.join(_WEEKDAYS)})\b(?!['\u2019]s| (?:and|or|to|mornings|evenings|nights|afternoons)\b)",
    re.IGNORECASE,
)
_HENCE = re.compile(
    rf"\b(?P<in>in )?(?P<count>\d{{1,3}}|{'|'.join(_NUMBERS)}) (?P<unit>days?|weeks?|months?|years?)"
    r"(?(in)(?!['\u2019])| from now)(?: time)?\b",
    re.IGNORECASE,
)
_SINCE_MONTH = re.compile(rf"\bsince (?P<month>{'|'.join(_MONTHS)})\b(?! \d)")


def resolved(text: str, today: date, *, toward: int = 0) -> str:
    """Replace relative dates in `text`, said on the day `today`; what could mean two dates stays as it is.

    Days become ISO dates, weeks "the week of" their Monday, months and seasons get their year. `toward` is 1 for what
    is still to come and -1 for what has happened; 0 where the text doesn't say.
    """

    def calendar(found: re.Match[str]) -> str:
        when = _when(found, today)
        if when is None:
            return found[0]
        preposition, name = when
        given = found["prep"]
        return f"{given if given and given.lower() not in {'on', 'in'} else preposition} {name}"

    if toward:
        text = _WEEKDAY.sub(lambda found: f"{found['prep']} {_nearest(found['weekday'], today, toward)}", text)
    if toward > 0:
        text = _HENCE.sub(lambda found: _hence(found, today), text)
    text = _SINCE_MONTH.sub(lambda found: f"since {found['month']} {_year_of(found['month'], today)}", text)
    return _RELATIVE.sub(calendar, text) if _RELATIVE.search(text) else text


def _nearest(weekday: str, today: date, toward: int) -> str:
    """The next such day after today, or the last one before it; today's own name is said of another week."""
    distance = toward * (_WEEKDAYS.index(weekday.lower()) - today.weekday()) % 7 or 7
    return (today + timedelta(days=toward * distance)).isoformat()


def _hence(found: re.Match[str], today: date) -> str:
    unit = found["unit"].lower().rstrip("s")
    count = found["count"].lower()
    number = int(count) if count.isdigit() else _NUMBERS[count]
    if unit == "day":
        return f"on {(today + timedelta(days=number)).isoformat()}"
    return " ".join(_UNITS[unit](today, number))


def _year_of(month: str, today: date) -> int:
    """The year of the last such month that has begun."""
    return today.year - (_MONTHS.index(month) + 1 > today.month)


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
    if unit == "winter":
        return _winter(which, today)
    if unit.capitalize() in _MONTHS:
        return _named_month(which, unit.capitalize(), today)
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
    if which == "last":
        return "in", f"{unit} {today.year - (today.month < first + 3)}"
    if which == "next" and today.month >= first:
        return "in", f"{unit} {today.year + 1}"
    return ("in", f"{unit} {today.year}") if which == "this" else None


def _winter(which: str, today: date) -> tuple[str, str] | None:
    """Resolve by the year in which a winter begins; in winter, the next one may be this one's other half."""
    begins = today.year - (today.month < 3)  # of the winter that is now, or that was the last to come
    is_winter = today.month in (12, 1, 2)
    if which == "next" and is_winter:
        return None
    if which == "last":
        begins -= 1
    return "in", f"winter {begins}/{(begins + 1) % 100:02d}"


def _named_month(which: str, month: str, today: date) -> tuple[str, str] | None:
    """Resolve where the month is not so near that this year's and the other year's could be meant."""
    number = _MONTHS.index(month) + 1
    if which == "this":
        return "in", f"{month} {today.year}"
    if which == "last" and not 0 <= today.month - number < 3:
        return "in", f"{month} {today.year - (number > today.month)}"
    if which == "next" and number < today.month:
        return "in", f"{month} {today.year + 1}"
    return None


def _weekend(which: str, today: date) -> tuple[str, str] | None:
    """Resolve "last weekend" from Monday to Thursday; later in the week both neighbours can be meant."""
    if which == "this":
        saturday = today + timedelta(days=5 - today.weekday())
        return "on", f"the weekend of {saturday.isoformat()}"
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
