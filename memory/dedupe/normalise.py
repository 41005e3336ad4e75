"""Brings a text to the one form that all its spellings share, so that equal facts have equal hashes.

Only spelling is levelled, never meaning: after normalisation two texts are equal only if they say the same. "5k"
becomes 5000 with a currency beside it and 5 km beside running or racing words; elsewhere it stays "5k".
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from typing import Final

from memory.providers.local.statements.verbs import words_of

_ONES: Final = {word: value for value, word in enumerate(
    words_of(
    """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen
    """
)
)}  # fmt: skip
_TENS: Final = {
    word: 10 * value
    for value, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_SCALES: Final = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_NUMBER_WORD: Final = "|".join([*_ONES, *_TENS])
_NUMBER = re.compile(
    rf"\b(?:{_NUMBER_WORD}|a(?= hundred| thousand| million))(?:[ -](?:and )?(?:{_NUMBER_WORD}|"
    rf"hundred|thousand|million)\b)*\b"
)
# "one" is more often a pronoun than a count; it counts only before a unit.
_PRONOUN_ONE = re.compile(
    r"\bone\b(?! (?:km|kg|hour|minute|day|week|month|year|euro|dollar|pound|"
    r"mile|dog|cat|kid|child|son|daughter|brother|sister))"
)

_UNITS: Final = {
    "km": "kilometers kilometres kilometer kilometre kms", "mi": "miles mile", "m": "meters metres meter metre",
    "cm": "centimeters centimetres centimeter centimetre",
    "kg": "kilograms kilogrammes kilogram kilos kilo kgs", "g": "grams grammes gram", "lb": "lbs",
    "l": "liters litres liter litre",
    "min": "minutes minute mins", "h": "hours hour hrs hr", "s": "seconds secs sec", "%": "percent",
    "eur": "euros euro €", "usd": "dollars dollar bucks $",
    "gbp": "£", "mg": "milligrams milligram",
}  # fmt: skip
_UNIT_OF: Final = {name: unit for unit, names in _UNITS.items() for name in [*names.split(), unit]}
_UNIT_AFTER = re.compile(
    r"(\d)\s*-?\s*(" + "|".join(re.escape(name) for name in sorted(_UNIT_OF, key=len, reverse=True)) + r")(?![\w])"
)
_UNIT_BEFORE = re.compile(r"([$€£])[$€£\s]*(\d+(?:\.\d+)?k?)")
_THOUSANDS = re.compile(r"(?<![\d.])(\d{1,3}(?:,\d{3})+)(?![\d,])")
_MONEY_K = re.compile(r"\b(\d+(?:\.\d+)?)k(?= (?:eur|usd|gbp|euros|dollars|pounds|francs)\b)")
_RUN_K = re.compile(r"\b(\d+(?:\.\d+)?) ?k\b")
_RUNNING = re.compile(r"\b(?:runs?|ran|running|jog\w*|race[sd]?|racing|walks?|walked|parkrun)\b")

_CONTRACTIONS: Final = [
    (re.compile(pattern), long)
    for pattern, long in [
        (r"\b(?:can't|cannot|can not)\b", "can not"), (r"\bwon't\b", "will not"), (r"\bshan't\b", "shall not"),
        (r"\b(\w+)n't\b", r"\1 not"),
        (r"\bi'm\b", "i am"), (r"\b(\w+)'re\b", r"\1 are"), (r"\b(\w+)'ve\b", r"\1 have"), (r"\b(\w+)'ll\b",
        r"\1 will"), (r"\b(i|we|they|you)'d\b", r"\1 would"),
        (r"\b(he|she|it|that|there)'s\b", r"\1 is"), (r"\bany ?more\b", "anymore"),
        (r"\b(\d{1,2}):?(\d\d)? ?([ap])\.? ?m\b\.?", r"\1:\2\3m"), (r":(?=[ap]m\b)", ""),
    ]
]  # fmt: skip
# One look for all of them, since hardly any text has one.
_ANY_CONTRACTION: Final = re.compile(r"'|can ?not|any ?more|\d ?[ap]\.? ?m|:[ap]m")
_ANY_NUMBER_WORD: Final = re.compile(r"zero|one|tw|th[ir]|f[oi]|si|se|eig|nin|te|elev|a (?=[htm])")
_ANY_SPELLING: Final = re.compile(r"our|grey|half|dozen|[tl]re|isation|organi")
_ANY_DIGIT: Final = re.compile(r"\d")
_MONTHS: Final = words_of("""january february march april may june july august september october november december""")
_MONTH: Final = "|".join(_MONTHS)
_DAY_MONTH = re.compile(rf"\b(?:the )?(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH})\b")
_MONTH_DAY = re.compile(rf"\b({_MONTH}) (?:the )?(\d{{1,2}})(?:st|nd|rd|th)?\b(?! ?(?:am|pm|:))")
_SPELLINGS: Final = [
    (re.compile(pattern), american)
    for pattern, american in [
        (r"\b(favo|colo|neighbo|behavio|flavo|hono|labo|humo)ur", r"\1r"), (r"\bgrey\b", "gray"),
        (r"\b(an|a) (half|dozen)\b", r"\2"), (r"\bdozen\b", "12"),
        (r"\b(theat|cent|lit|met)re\b", r"\1er"), (r"\b(\w+)isation\b", r"\1ization"), (r"\borgani[sz]e", "organize"),
    ]
]  # fmt: skip
# Words keep + and # ("C++" is not "C#"); signs that carry meaning (emoji, ¥, <, accents written apart) stay as words.
_TOKEN = re.compile(
    r"(?<=\d)[.:/-](?=\d)|(?:(?<!\S)-(?=\d))?[^\W_]+(?:\+\+|[+#])?|[^\w\s.,;:!?'\"()\[\]{}…“”„«»*~`\u00b4/\\|&\u2013\u2014+#@^\-\ufe0f\u200d]"
)
_JOINTS: Final = frozenset(".:/-")
PASSES: Final = 4


@lru_cache(maxsize=32768)
def normalise(text: str) -> str:
    """Return lower-case words separated by one space, numbers as digits, units short; idempotent on its own output.

    A mark that is dropped may bring a number to its unit ("5;£"), which only the next pass sees.
    """
    for _ in range(PASSES):
        words = _levelled(text)
        text = "".join(_glued(words)).strip()
        if text == words.strip(" .!?"):
            break
    return text


def _levelled(text: str) -> str:
    words = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'").replace("\u2013", "-")
    words = " ".join(words.split())
    if _ANY_CONTRACTION.search(words):
        for pattern, long in _CONTRACTIONS:
            words = pattern.sub(long, words)
    if _ANY_NUMBER_WORD.search(words):
        words = _PRONOUN_ONE.sub("\x01", words)
        words = _NUMBER.sub(_digits, words).replace("\x01", "one")
    if "," in words:
        words = _THOUSANDS.sub(lambda number: number[1].replace(",", ""), words)
    if _ANY_SPELLING.search(words):
        for pattern, american in _SPELLINGS:
            words = pattern.sub(american, words)
    return _dated(_with_units(words)) if _ANY_DIGIT.search(words) else words


def text_hash(text: str) -> str:
    """Return the first 32 hex digits of the sha256 of the normalised text."""
    return hashlib.sha256(normalise(text).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _digits(found: re.Match[str]) -> str:
    """Return the value of number words: "two thousand and five" → 2005; a row of single numbers stays a row."""
    total, part, values = 0, 0, re.split(r"[ -]", found[0])
    spoken = [value for value in values if value != "and"]
    if not any(value in _SCALES for value in spoken) and not _is_compound(spoken):
        return " ".join(str({**_ONES, **_TENS}.get(value, value)) for value in values)
    for value in spoken:
        if value in _SCALES:
            part = max(part, 1) * _SCALES[value]
            if value != "hundred":
                total, part = total + part, 0
        else:
            part += {**_ONES, **_TENS, "a": 1}[value]
    return str(total + part)


def _is_compound(spoken: list[str]) -> bool:
    return len(spoken) == 2 and spoken[0] in _TENS and 0 < _ONES.get(spoken[1], 0) < 10


def _with_units(words: str) -> str:
    words = _MONEY_K.sub(_thousands, words)
    words = _UNIT_BEFORE.sub(lambda money: f"{_full(money[2])} {_UNIT_OF.get(money[1], 'gbp')}", words)
    if _RUNNING.search(words):
        words = _RUN_K.sub(r"\1 km", words)
    return _UNIT_AFTER.sub(lambda found: f"{found[1]} {_UNIT_OF[found[2]]}", words)


def _thousands(found: re.Match[str]) -> str:
    return f"{float(found[1]) * 1000:g}" if float(found[1]) < 1000 else found[0]


def _full(number: str) -> str:
    return str(round(float(number[:-1]) * 1000)) if number.endswith("k") else number


def _dated(words: str) -> str:
    words = _DAY_MONTH.sub(r"\2 \1", words)
    return _MONTH_DAY.sub(r"\1 \2", words)


def _glued(words: str) -> list[str]:
    """Return the words and the marks that belong to numbers (1.5, 6:30, 2026-11-27), joined as they were."""
    parts: list[str] = []
    end = -1
    for found in _TOKEN.finditer(words):
        inside = found[0] in _JOINTS or (bool(parts) and parts[-1] in _JOINTS and found.start() == end)
        parts.append(found[0] if inside or not parts else " " + found[0])
        end = found.end()
    return parts
