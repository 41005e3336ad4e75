"""Times that a question names, as spans on the calendar: "last summer", "in May 2025", "two weeks ago"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

MOST: Final = 3  # spans of one question
RECENTLY: Final = timedelta(days=30)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SEASONS: Final = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}  # their first months
_COUNTS: Final = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "a couple of": 2, "a few": 3, "few": 3, "several": 4,
}  # fmt: skip
_COUNT: Final = "|".join([r"\d{1,3}", *sorted(_COUNTS, key=len, reverse=True)])
_MONTH: Final = "|".join([*_MONTHS, *(f"{name[:3]}(?![a-z])" for name in _MONTHS if name != "May")])
_SEASON: Final = "|".join(_SEASONS)
_YEAR: Final = r"(?:19|20)\d\d"


# one of these is in every time that is understood: most questions have none, and are through
_HINTS: Final = re.compile(
    rf"\d|\b(?:ago|last|this|next|past|yesterday|today|tomorrow|recently|lately|these|{_SEASON}|"
    rf"(?:in|during|since|of|from|on|around)\s+(?:the\s+)?(?:{_MONTH}|{_SEASON}))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Span:
    """From `first` up to but without `end`; `words` are how a text may name it, `said` is what the question says."""

    first: datetime
    end: datetime
    words: str
    said: str


Reading = Callable[[re.Match[str], date], tuple[date, date, str]]


def spans(text: str, now: datetime) -> list[Span]:
    """The times that `text` names, in their order, at most three; none overlaps another."""
    if not _HINTS.search(text):
        return []
    found: list[tuple[int, int, Span]] = []
    for start, end, span in _readings(text, now):
        if all(end <= taken[0] or start >= taken[1] for taken in found):
            found.append((start, end, span))
    return [span for *_, span in sorted(found, key=lambda one: one[0])[:MOST]]


def _readings(text: str, now: datetime) -> Iterator[tuple[int, int, Span]]:
    today = now.astimezone(UTC).date()
    for pattern, reading in _PATTERNS:
        for found in pattern.finditer(text):
            try:
                first, end, words = reading(found, today)
            except (ValueError, OverflowError):  # no such day, such as 31 June
                continue
            yield found.start(), found.end(), Span(_midnight(first), _midnight(end), words, found[0])


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _day(day: date) -> tuple[date, date, str]:
    return day, day + timedelta(days=1), f"{day.isoformat()} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def _days(first: date, count: int) -> tuple[date, date, str]:
    return first, first + timedelta(days=count), ""


def _month(year: int, month: int) -> tuple[date, date, str]:
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    end = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, 1), end, f"{_MONTHS[month - 1]} {year}"


def _months(year: int, month: int, count: int, words: str) -> tuple[date, date, str]:
    return _month(year, month)[0], _month(year, month + count)[0], words


def _year(year: int) -> tuple[date, date, str]:
    return date(year, 1, 1), date(year + 1, 1, 1), str(year)


def _iso(found: re.Match[str], today: date) -> tuple[date, date, str]:
    return _day(date.fromisoformat(found[0]))


def _dated(found: re.Match[str], today: date) -> tuple[date, date, str]:
    """A day or a month by its name; without a year it is the latest one that has begun."""
    month, day = _month_number(found["month"]), found["day"]
    year = int(found["year"]) if found["year"] else None
    which = (found.groupdict().get("which") or "").lower()
    if year is None:
        has_begun = (month, int(day or 1)) <= (today.month, today.day)
        year = today.year - (not has_begun)
        year += {"last": -1 if month == today.month else 0, "next": 1}.get(which, 0)
    return _day(date(year, month, int(day))) if day else _month(year, month)


def _month_number(name: str) -> int:
    return next(number for number, month in enumerate(_MONTHS, 1) if month.lower().startswith(name[:3].lower()))


def _in_year(found: re.Match[str], today: date) -> tuple[date, date, str]:
    return _year(int(found["year"]))


def _near(found: re.Match[str], today: date) -> tuple[date, date, str]:
    offset = {"the day before yesterday": -2, "yesterday": -1, "last night": -1, "tomorrow": 1}
    return _day(today + timedelta(days=offset.get(found[0].lower(), 0)))


def _ago(found: re.Match[str], today: date) -> tuple[date, date, str]:
    """The day, or the week, month or year that lies that far back."""
    count, unit = _number(found["count"]), found["unit"].lower()
    if unit == "day":
        return _day(today - timedelta(days=count))
    if unit == "week":
        return _days(today - timedelta(days=7 * count + 3), 7)
    return _month(today.year, today.month - count) if unit == "month" else _year(today.year - count)


def _past(found: re.Match[str], today: date) -> tuple[date, date, str]:
    """From that long ago until today, such as "in the last two weeks"."""
    count = _number(found["count"]) if found["count"] else 1
    length = count * {"day": 1, "week": 7, "month": 30, "year": 365}[found["unit"].lower()]
    return _days(today - timedelta(days=length), length + 1)


def _recently(found: re.Match[str], today: date) -> tuple[date, date, str]:
    return _days(today - RECENTLY, RECENTLY.days + 1)


def _number(count: str) -> int:
    return int(count) if count.isdigit() else _COUNTS[" ".join(count.lower().split())]


def _season(found: re.Match[str], today: date) -> tuple[date, date, str]:
    """The year's, or the one that the word before it means; without either the latest one that has begun.

    A winter belongs to the year in which it begins. "Last summer" is over; in it, it is the year before's.
    """
    name, which = found["season"].lower(), (found["which"] or "").lower()
    month = _SEASONS[name]
    if found["year"]:
        year = int(found["year"])
    else:
        year = today.year - (_month(today.year, month)[0] > today)
        is_on = _months(year, month, 3, "")[1] > today
        year += {"last": -1 if is_on else 0, "next": 1}.get(which, 0)
    return _months(year, month, 3, f"{name} {year}")


def _relative(found: re.Match[str], today: date) -> tuple[date, date, str]:
    """Last, this or next week, weekend, month, year or weekday."""
    step, unit = {"last": -1, "this": 0, "next": 1}[found["which"].lower()], found["unit"].lower()
    monday = today - timedelta(days=today.weekday())
    if unit == "week":
        return _days(monday + timedelta(weeks=step), 7)
    if unit == "weekend":
        return _days(monday + timedelta(weeks=step, days=5), 2)
    if unit == "month":
        return _month(today.year, today.month + step)
    if unit == "year":
        return _year(today.year + step)
    return _day(_nearest(_WEEKDAYS.index(unit), step, today))


def _nearest(weekday: int, step: int, today: date) -> date:
    """The nearest such weekday before today, or after it; without a direction this week's."""
    if step == 0:
        return today + timedelta(days=weekday - today.weekday())
    ahead = (weekday - today.weekday() - 1) % 7 + 1
    return today + timedelta(days=ahead if step > 0 else -((today.weekday() - weekday - 1) % 7 + 1))


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)


_IN: Final = r"(?:(?:back\s+in|in|during|since|of|from|on|around)\s+)"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_NAMED: Final = rf"(?P<month>{_MONTH})\.?"
_OF_YEAR: Final = rf"(?:,?\s+(?P<year>{_YEAR}))?"
_WHICH: Final = r"(?P<which>last|this|next)"
_LENGTH: Final = rf"(?P<count>{_COUNT})\s+(?P<unit>day|week|month|year)s?"
# what names a time exactly comes first: "14 May 2025" is no May
_PATTERNS: Final[list[tuple[re.Pattern[str], Reading]]] = [
    (_compiled(r"(?:19|20)\d\d-\d\d-\d\d"), _iso),
    (_compiled(rf"{_DAY}(?:\s+of)?\s+{_NAMED}{_OF_YEAR}"), _dated),
    (_compiled(rf"{_NAMED}\s+{_DAY}{_OF_YEAR}"), _dated),
    (_compiled(rf"{_IN}?{_NAMED},?\s+(?P<year>{_YEAR})(?P<day>)"), _dated),
    (_compiled(rf"(?:{_WHICH}\s+|{_IN}){_NAMED}(?P<day>)(?P<year>)"), _dated),
    (_compiled(r"(?:the\s+day\s+before\s+yesterday|yesterday|last\s+night|today|tomorrow)"), _near),
    (_compiled(rf"{_LENGTH}\s+ago"), _ago),
    (_compiled(rf"(?:in|over|during|within)\s+the\s+(?:last|past)\s+{_LENGTH}"), _past),
    (_compiled(r"(?:in|over|during|within)\s+the\s+(?:last|past)\s+(?P<count>)(?P<unit>day|week|month|year)"), _past),
    (_compiled(rf"{_IN}?(?:the\s+)?(?:{_WHICH}\s+)?(?P<season>{_SEASON})\s+(?:of\s+)?(?P<year>{_YEAR})"), _season),
    (_compiled(rf"(?:{_WHICH}\s+|{_IN}(?:the\s+)?)(?P<season>{_SEASON})(?P<year>)"), _season),
    (_compiled(rf"{_WHICH}\s+(?P<unit>weekend|week|month|year|{'|'.join(_WEEKDAYS)})"), _relative),
    (_compiled(rf"{_IN}(?P<year>{_YEAR})"), _in_year),
    (_compiled(r"recently|lately|these\s+days"), _recently),
]
