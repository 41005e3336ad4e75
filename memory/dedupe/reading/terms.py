"""The words of a fact that count, each with its kind and the part it plays."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntFlag, StrEnum
from functools import lru_cache
from typing import Final

from memory.dedupe.reading.senses import EXCLUSIVE, OPPOSITE, meaning
from memory.dedupe.reading.stems import is_form_of_verb, stem
from memory.providers.local.statements.verbs import words_of


class Sort(StrEnum):
    """What kind of a word a term is: only words of one kind can take each other's place."""

    WORD = "word"
    NAME = "name"
    NUMBER = "number"
    MONTH = "month"
    DAY = "day"
    YEAR = "year"
    WEEKDAY = "weekday"
    PART = "part"  # of the day or of the year
    CLOCK = "clock"
    RATE = "rate"  # a month, a year
    ADVERB = "adverb"
    TIME = "time"  # how long ago, or last, or next

    __hash__ = str.__hash__  # Enum's own is no C: a comparison looks a hundred times into sets of sorts


class Fills(IntFlag):
    """What a term can clash with: only two that fill the same kind of place need be compared."""

    OPPOSITE = 1
    NUMBER = 2
    CALENDAR = 4
    PART = 8
    CLOCK = 16
    RATE = 32
    EXCLUSIVE = 64
    VALUE = 128


@dataclass(frozen=True, slots=True)
class Term:
    """`key` is equal for all spellings of one meaning; `part` is the preposition in front, or subj, verb, obj."""

    key: str
    sort: Sort
    part: str
    word: str
    follows: str = ""  # the key of the term right in front in the same phrase
    weight: float = 1.0
    fills: int = 0


@lru_cache(maxsize=32768)
def term(key: str, sort: Sort, part: str, word: str, follows: str) -> Term:
    """Return the term; those that many facts have are one object."""
    return Term(key, sort, part, word, follows, _WEIGHTS.get(sort, 1.0), int(_fills(key, sort, part)))


def _fills(key: str, sort: Sort, part: str) -> Fills:
    filled = _FILLED.get(sort, Fills(0))
    if sort in {Sort.NAME, Sort.WORD} and part != "verb":
        filled |= Fills.VALUE
    if key in OPPOSITE or key.startswith("un"):
        filled |= Fills.OPPOSITE
    return filled | Fills.EXCLUSIVE if key in EXCLUSIVE else filled


_WEIGHTS: Final = {Sort.ADVERB: 0.3, Sort.RATE: 0.6, Sort.PART: 0.8}
_FILLED: Final = {
    Sort.NUMBER: Fills.NUMBER, Sort.MONTH: Fills.CALENDAR, Sort.DAY: Fills.CALENDAR, Sort.YEAR: Fills.CALENDAR,
    Sort.WEEKDAY: Fills.CALENDAR, Sort.PART: Fills.CALENDAR | Fills.PART, Sort.CLOCK: Fills.CALENDAR | Fills.CLOCK,
    Sort.RATE: Fills.RATE,
}  # fmt: skip


CALENDAR: Final = frozenset({Sort.MONTH, Sort.DAY, Sort.YEAR, Sort.WEEKDAY, Sort.PART, Sort.CLOCK})
MONTHS: Final = {
    name: name[:3]
    for name in words_of(
        """
    january february march april may june july august september october november december
    """
    )
} | {
    name: name
    for name in words_of(
        """
    jan feb mar apr jun jul aug sep sept oct nov dec
    """
    )
}
WEEKDAYS: Final = {
    form: day
    for day in words_of(
        """
    monday tuesday wednesday thursday friday saturday sunday weekend weekday
    """
    )
    for form in (day, f"{day}s")
}
_PARTS: Final = {
    form: part
    for part in ["morning", "afternoon", "evening", "night", "spring", "summer", "autumn", "winter"]
    for form in (part, f"{part}s", f"{part}ly")
} | {"tonight": "night", "noon": "noon", "midnight": "midnight", "fall": "autumn"}
_TIMES: Final = frozenset(
    words_of(
        """
    ago yesterday today tomorrow recently lately soon last next later earlier since nowadays years months
    weeks days ages
    """
    )
)
RATES: Final = frozenset({"dayly", "weekly", "monthly", "yearly", "nightly", "hly", "minly", "sly"})

# Units of one measure, with what one of them is of the first.
_UNITS: Final = {
    "m": ("length", 1.0), "km": ("length", 1000.0), "cm": ("length", 0.01), "mm": ("length", 0.001),
    "mi": ("mile", 1.0), "g": ("mass", 1.0), "kg": ("mass", 1000.0), "mg": ("mass", 0.001), "lb": ("pound", 1.0),
    "pound": ("pound", 1.0), "pounds": ("pound", 1.0), "stone": ("stone", 1.0),
    "l": ("volume", 1.0), "ml": ("volume", 0.001), "s": ("time", 1.0), "min": ("time", 60.0), "h": ("time", 3600.0),
    "ms": ("time", 0.001), "day": ("days", 1.0), "days": ("days", 1.0), "week": ("days", 7.0), "weeks": ("days", 7.0),
    "month": ("months", 1.0), "months": ("months", 1.0), "year": ("months", 12.0), "years": ("months", 12.0),
    "kb": ("bytes", 1e3), "mb": ("bytes", 1e6), "gb": ("bytes", 1e9), "tb": ("bytes", 1e12),
    "eur": ("eur", 1.0), "usd": ("usd", 1.0), "gbp": ("gbp", 1.0), "%": ("percent", 1.0), "feet": ("foot", 1.0),
    "foot": ("foot", 1.0), "ft": ("foot", 1.0), "inches": ("inch", 1.0), "inch": ("inch", 1.0), "times": ("times", 1.0),
    "degrees": ("degree", 1.0), "c": ("celsius", 1.0), "celsius": ("celsius", 1.0), "fahrenheit": ("fahrenheit", 1.0),
    "calories": ("calorie", 1.0), "kcal": ("calorie", 1.0), "franc": ("chf", 1.0), "francs": ("chf", 1.0),
    "chf": ("chf", 1.0), "yen": ("jpy", 1.0), "hp": ("hp", 1.0), "kw": ("kw", 1.0), "mph": ("mph", 1.0),
}  # fmt: skip
_NUMBER: Final = re.compile(r"^(-?\d+(?:\.\d+)?)(st|nd|rd|th|k|gb|mb|tb|kb|ms|ml|mm|ft|kw|hp)?$")
_CLOCK: Final = re.compile(r"^(\d{1,2})(?::(\d\d))?([ap]m)?$")
_ISO: Final = re.compile(r"^(\d{4})-(\d\d)-(\d\d)$")
CLOCKED: Final = frozenset(
    frozenset(
        words_of(
            """
    at by until till before after from around about past
    """
        )
    )
)
PREPOSITIONS: Final = frozenset(
    words_of(
        """
    in on at to from for with without by of over under than into near as about after before since until till
    during through via behind above below between against across around inside outside along beside next per
    toward towards off out up down because while when where who which that if onto upon despite like versus
    """
    )
) - {"like"}
_STOP: Final = frozenset(
    words_of(
        """
    a an the be do does did have having self my it its he she his her him this that these those there here
    who which and or but so also too really very just quite rather pretty even only own s any some each
    every all both such current currently now still already always usually normally generally typically
    mostly mainly actually get got would should shall as of to that if then when had has went where will one
    us yes lot lots bit year-old again ever anymore please thing things something kind sort way am been
    being new CHANGE any , s more time times habit regularly personally primary called named name number
    exactly
    """
    )
)
# They stop counting as words, yet a fact that has them says more.
CHANGED: Final = frozenset(
    words_of(
        """
    now currently nowadays lately recently meanwhile newly CHANGE new again since became become instead
    anymore
    """
    )
)
_DEGREES: Final = frozenset(
    words_of(
        """
    approximately severe fluently extremely slightly somewhat mildly deadly terribly highly totally fully
    partly completely deeply passionately happily proudly officially barely
    """
    )
)


def sort_of(word: str, part: str, unit: str, names: frozenset[str]) -> tuple[Sort, str]:
    """Return the kind of a word and its key."""
    if word in MONTHS:
        return Sort.MONTH, MONTHS[word]
    if word in WEEKDAYS:
        return Sort.WEEKDAY, WEEKDAYS[word]
    if word in _PARTS:
        return Sort.PART, _PARTS[word]
    if word in RATES:
        return Sort.RATE, word
    if word in _TIMES or word.startswith(("last-", "next-", "this-", "past-", "coming-", "previous-", "recent-")):
        return Sort.TIME, word
    if word[:1].isdigit() or word[:1] == "-":
        return _counted(word, part, unit)
    if word in names:
        return Sort.NAME, name_of(word)
    if word in _DEGREES or (word.endswith("ly") and len(word) > 4 and meaning(word) == word):
        return Sort.ADVERB, meaning(word)
    return Sort.WORD, meaning(word)


def name_of(word: str) -> str:
    """Return a name's key: the name as it is, since "Simon" and "Simone" are two; its meaning where it is a word."""
    means = meaning(word)
    return means if means != stem(word) or is_form_of_verb(word) else word


def _counted(word: str, part: str, unit: str) -> tuple[Sort, str]:
    clock = _CLOCK.match(word)
    measured = unit in _UNITS or unit in RATES
    if clock and (clock[2] or clock[3] or (part in CLOCKED and not measured and int(clock[1]) <= 24)):
        return Sort.CLOCK, _clock(int(clock[1]), int(clock[2] or 0), clock[3])
    number = _NUMBER.match(word)
    if number is None:
        return Sort.NUMBER, word
    value, suffix = float(number[1]), number[2] or ""
    measure = unit if unit in _UNITS else suffix
    if measure in _UNITS:
        name, size = _UNITS[measure]
        return Sort.NUMBER, f"{value * size:g} {name}"
    if not suffix and number[1].isdigit() and 1900 <= value <= 2099 and part in _YEARLY:
        return Sort.YEAR, number[1]
    return Sort.NUMBER, f"{value:g}{suffix if suffix == 'k' else ''}"


_YEARLY: Final = frozenset(words_of("in since until be from of obj verb cost before after subj"))


def _clock(hour: int, minute: int, half: str | None) -> str:
    """Return the time of day; without "am" or "pm" and before 13 it may be either."""
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
        return f"{hour}:{minute:02d}"
    return f"{hour}:{minute:02d}" if hour >= 13 or hour == 0 else f"{hour}:{minute:02d}?"


def bare(key: str) -> str:
    """Return the key of a time of day as that of a number: "9:00?" → "9"."""
    return key.rstrip("?").removesuffix(":00")


def is_unit(word: str) -> bool:
    """Say whether a word behind a number is its unit."""
    return word in _UNITS


def is_stopped(word: str) -> bool:
    """Say whether a word says nothing by itself."""
    return word in _STOP
