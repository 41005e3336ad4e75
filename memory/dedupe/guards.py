"""Finds what tells two similar facts apart: a number, a negation, a subject. One guard that fires forbids merging.

Every guard is symmetric: `guard(a, b)` and `guard(b, a)` fire alike, with the sides of the evidence swapped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from memory.dedupe.normalise import normalise
from memory.providers.local.statements.verbs import FORMS, words_of


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why two facts differ: the guard, and the deciding words on each side (one side may have none)."""

    guard: str
    a: tuple[str, ...]
    b: tuple[str, ...]


Guard = Callable[[str, str], Evidence | None]

_NUMERIC = re.compile(r"-?\w*\d")
_UNITS: Final = frozenset(
    words_of(
        """
    km mi m cm kg g lb l min h s % eur usd gbp mg pounds pound stone feet foot inches years year
    months month weeks week days day times am pm
    """
    )
)
_CALENDAR: Final = frozenset(
    words_of(
        """
    monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays
    fridays saturdays sundays weekday weekdays weekend weekends january february march april may
    june july august september october november december spring summer autumn fall winter morning
    mornings evening evenings afternoon afternoons night nights today tomorrow yesterday next last
    """
    )
)
_ENDED: Final = re.compile(
    r"\b(?:no longer|used to|not (?:\w+ ){0,8}?anymore|not (?:\w+ ){0,3}?any longer|"
    r"stopped|stops|stop|quit|quits|gave up|given up|gives up|gave (?:\w+ ){0,4}?away|"
    r"formerly|former|ex|"
    r"previously|outgrew|outgrown|gone away|went away|cancell?ed|sold|divorced|"
    r"died|left|switched|relocated|moved away|retired)\b"
)
_NEGATIVE: Final = {
    "not": "not", "no": "not", "none": "not", "without": "not", "nor": "not", "neither": "not", "nothing": "not",
    "except": "except", "never": "never",
    "hardly": "hardly", "rarely": "hardly", "seldom": "hardly", "least": "least", "only": "only", "unless": "unless",
}  # fmt: skip
_PARTICIPLES: Final = "|".join(sorted(word for word, (_, form) in FORMS.items() if form in {"past", "participle"}))
_PERFECT = re.compile(
    rf"\b(?:has|have|had)(?: not| never| always| ever| been| recently| already)* (?:{_PARTICIPLES})\b"
)
_MODAL: Final = {
    "might": "might", "may": "might", "could": "might", "maybe": "might", "perhaps": "might", "probably": "might",
    "can": "can", "will": "will", "would": "would",
    "should": "should", "must": "must", "want": "want", "wants": "want", "wanted": "want", "plan": "plan",
    "plans": "plan", "planning": "plan",
    "hope": "want", "hopes": "want", "intends": "plan", "going to": "plan",
}  # fmt: skip

# What facts are about other than the user; "is allergic" and "son is allergic" are about two persons.
_OTHERS: Final = frozenset(
    words_of(
        """
    partner wife husband spouse girlfriend boyfriend fiance fiancee sister brother son daughter kid
    child children twin baby mother father mum mom dad parent grandmother grandfather grandma
    grandpa aunt uncle cousin niece nephew friend boss manager colleague neighbor landlord landlady
    doctor dentist teacher coach flatmate roommate housemate team company
    """
    )
)
_STOPPED: Final = frozenset(
    words_of(
        """
    a an the is am are was were be been being has have had having do does did of in at on for to
    with and by from as it its their them themselves he she his her that this there who which or but
    so also really very just i my me we our us s now currently still user per each every than then
    some any where they habit regularly get got pay cost named name called
    """
    )
)
# Words of one meaning in facts about a person; each is compared in its stem.
_SAME_MEANING: Final = {
    "reside": "live", "base": "live", "home": "live", "relocate": "move", "call": "name", "allergy": "allergic",
    "spouse": "marry", "marriage": "marry",
    "quit": "stop", "monthly": "month", "weekly": "week", "daily": "day", "yearly": "year", "favor": "favorite",
    "enjoy": "like", "bike": "cycle",
    "bicycle": "cycle", "apartment": "flat", "mom": "mother", "mum": "mother", "dad": "father", "kid": "child",
    "children": "child", "film": "movie",
    "vacation": "holiday", "automobile": "car", "flight": "fly", "kilometer": "km", "physician": "doctor",
}  # fmt: skip
# Polarity is compared by its own guard; here "stopped eating" and "no longer eats" are both about eating.
_POLAR = re.compile(r"\b(?:no longer|used to|any longer|anymore|not|never|stop(?:s|ped)?|quits?)\b")
_STATIC: Final = frozenset(words_of("be have pay cost call rent live own reside bear bite play need"))
_ROLES: Final = frozenset(words_of("""from to over than by before after into behind under above versus"""))


def number(a: str, b: str) -> Evidence | None:
    """Fire when the numbers differ, or their units, or which comes first ("500" and "5000", "10 km" and "10 mi")."""
    left, right = _numbers(a), _numbers(b)
    values_a, values_b = [value for value, _ in left], [value for value, _ in right]
    if Counter(values_a) != Counter(values_b):
        return _difference(
            "number",
            [f"{value} {unit}".strip() for value, unit in left],
            [f"{value} {unit}".strip() for value, unit in right],
        )
    clashing = [(x, y) for x, y in zip(left, right, strict=True) if x[0] != y[0] or (x[1] != y[1] and x[1] and y[1])]
    if not clashing:
        return _one_and_many(a, b)
    return Evidence(
        "number", *(tuple(f"{value} {unit}".strip() for value, unit in side) for side in zip(*clashing, strict=True))
    )


def calendar(a: str, b: str) -> Evidence | None:
    """Fire when days, months, seasons or parts of the day differ ("on Monday" and "on Saturday")."""
    return _difference(
        "date", *([_singular(word) for word in normalise(text).split() if word in _CALENDAR] for text in (a, b))
    )


def polarity(a: str, b: str) -> Evidence | None:
    """Fire when one says that something is and the other that it isn't, never was, or has ended."""
    left, right = _denied(a), _denied(b)
    if left and right and left.isdisjoint(right):
        return Evidence("negation", *(tuple(f"not {word}" for word in sorted(side)) for side in (left, right)))
    return _difference("negation", _polarities(normalise(a)), _polarities(normalise(b)), as_sets=True)


def modality(a: str, b: str) -> Evidence | None:
    """Fire when what one side states as a fact is a wish, a plan or a possibility on the other."""
    return _difference("modality", _modalities(normalise(a)), _modalities(normalise(b)), as_sets=True)


def subject(a: str, b: str) -> Evidence | None:
    """Fire when the sides speak of different persons, or one begins with somebody whom the other doesn't know."""
    left, right = _stems(a), _stems(b)
    others = _difference(
        "subject", *([word for word in side if word in _PERSONS] for side in (left, right)), as_sets=True
    )
    if others or not left or not right:
        return others
    first_a, first_b = left[0], right[0]
    if first_a not in right or first_b not in left:
        return Evidence("subject", (first_a,) * (first_a not in right), (first_b,) * (first_b not in left))
    return None


def role(a: str, b: str) -> Evidence | None:
    """Fire when the same words play other parts ("from Oslo to Berlin" and "from Berlin to Oslo")."""
    left, right = _roles(a), _roles(b)
    swapped = sorted(part for part in left.keys() & right.keys() if left[part].isdisjoint(right[part]))
    if swapped:
        return Evidence(
            "role",
            *(tuple(f"{part} {word}" for part in swapped for word in sorted(side[part])) for side in (left, right)),
        )
    order_a, order_b = _active(a), _active(b)
    if Counter(order_a) != Counter(order_b) or _undated(order_a) == _undated(order_b):
        return None
    # "Spring is their favourite season" can be turned round; "likes Leo" and "Leo likes" can't.
    if _is_static(a) and _is_static(b) and _is_rotation(order_a, order_b):
        return None
    return Evidence("role", order_a, order_b)


def words(a: str, b: str) -> Evidence | None:
    """Fire when each side has a content word that the other lacks ("the red bike" and "the blue bike")."""
    only_a, only_b = _only(a, b)
    return Evidence("words", only_a, only_b) if only_a and only_b else None


def detail(a: str, b: str) -> Evidence | None:
    """Fire when one side says all that the other says and more: to merge them would lose the detail."""
    only_a, only_b = _only(a, b)
    return Evidence("detail", only_a, only_b) if bool(only_a) != bool(only_b) else None


GUARDS: Final[tuple[Guard, ...]] = (number, calendar, polarity, modality, subject, role, words, detail)


def fired(a: str, b: str) -> tuple[Evidence, ...]:
    """Return the evidence of every guard that keeps `a` and `b` apart, in the order of GUARDS."""
    return tuple(evidence for guard in GUARDS if (evidence := guard(a, b)) is not None)


def _difference(guard: str, left: list[str], right: list[str], *, as_sets: bool = False) -> Evidence | None:
    counted_a, counted_b = Counter(left), Counter(right)
    if as_sets:
        counted_a, counted_b = Counter(set(left)), Counter(set(right))
    if counted_a == counted_b:
        return None
    return Evidence(
        guard, tuple(sorted((counted_a - counted_b).elements())), tuple(sorted((counted_b - counted_a).elements()))
    )


def _numbers(text: str) -> list[tuple[str, str]]:
    """Return the words with digits in them and the unit behind each ("" without one)."""
    found = normalise(text).split()
    return [
        (_value(word), _singular(unit) if unit in _UNITS else "")
        for word, unit in zip(found, [*found[1:], ""], strict=False)
        if _NUMERIC.match(word)
    ]


def _one_and_many(a: str, b: str) -> Evidence | None:
    """Fire on "a daughter" beside "daughters"."""
    ones_a, many_a = _ones_and_many(a)
    ones_b, many_b = _ones_and_many(b)
    if not (ones_a & many_b or many_a & ones_b):
        return None
    shared = (ones_a & many_b) | (many_a & ones_b)
    sides = (tuple(f"{'a' if stem in ones else 'many'} {stem}" for stem in sorted(shared)) for ones in (ones_a, ones_b))
    return Evidence("number", *sides)


def _ones_and_many(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the stems behind "a", "an" or "one", and those of plurals."""
    found = normalise(text).split()
    ones = frozenset(
        _stem(word) for article, word in pairwise(found) if article in {"a", "an", "one"} and _singular(word) == word
    )
    many = frozenset(
        _stem(word) for word in found if _singular(word) != word and word not in FORMS and word not in _STOPPED
    )
    return ones, many


def _value(word: str) -> str:
    """Return "5" for "5.0" and "4" for "4th", so that one value is written one way."""
    bare = re.sub(r"(?<=\d)(?:st|nd|rd|th)$", "", word)
    return re.sub(r"\.0+$", "", bare) if re.fullmatch(r"-?\d+\.0+", bare) else bare


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _polarities(text: str) -> list[str]:
    ended = _ENDED.search(text) is not None
    negative = sorted({_NEGATIVE[word] for word in _ENDED.sub(" ", text).split() if word in _NEGATIVE})
    return [*(["ended"] if ended else _tense(text)), *negative]


def _tense(text: str) -> list[str]:
    """Return "past" for what was ("lived in"), "perfect" for what came about ("has lived in"), nothing for what is."""
    if _PERFECT.search(text):
        return ["perfect"]
    first = next((FORMS[word][1] for word in text.split() if word in FORMS), "")
    return ["past"] if first == "past" else []


def _denied(text: str) -> frozenset[str]:
    """Return the content word behind each "not", "no", "never" and "without"."""
    found = _ENDED.sub(" ", normalise(text)).split()
    behind = (
        next((_meaning(after) for after in found[place + 1 : place + 5] if after not in _STOPPED), "")
        for place, word in enumerate(found)
        if _NEGATIVE.get(word) in {"not", "never"}
    )
    return frozenset(filter(None, behind))


def _modalities(text: str) -> list[str]:
    spoken = text.replace("going to", "plan")
    return [_MODAL[word] for word in spoken.split() if word in _MODAL]


@lru_cache(maxsize=8192)
def _stems(text: str) -> tuple[str, ...]:
    plain = _POLAR.sub(" ", normalise(text))
    return tuple(stem for word in plain.split() if word not in _STOPPED and (stem := _meaning(word)) not in _STOPPED)


def _meaning(word: str) -> str:
    stem = _stem(word)
    return _SYNONYMS.get(stem, stem)


def _stem(word: str) -> str:
    """Return a word's base form: a verb's from the table of forms, else without plural, -ing, -ed and last -e."""
    if word in FORMS:
        return FORMS[word][0].removesuffix("e")
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith(("ss", "us", "is", "eed")):
            return (word[: -len(ending)] + instead).removesuffix("e")
    return word.removesuffix("e") if len(word) > 3 else word


_ENDINGS: Final = (
    ("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("ing", ""), ("ed", ""), ("ly",
    ""), ("s", ""),
)  # fmt: skip
_SYNONYMS: Final = {_stem(word): _stem(meaning) for word, meaning in _SAME_MEANING.items()}
_PERSONS: Final = frozenset(map(_meaning, _OTHERS))


def _only(a: str, b: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the content words that only one side has, for each side."""
    left, right = set(_stems(a)), set(_stems(b))
    return tuple(sorted(left - right)), tuple(sorted(right - left))


def _roles(text: str) -> dict[str, frozenset[str]]:
    """Return for each preposition of direction or comparison the content words right behind it."""
    found = normalise(text).split()
    parts: dict[str, set[str]] = {}
    for place, word in enumerate(found):
        if word in _ROLES:
            behind = next((_meaning(after) for after in found[place + 1 : place + 4] if after not in _STOPPED), None)
            if behind is not None:
                parts.setdefault(word, set()).add(behind)
    return {part: frozenset(stems) for part, stems in parts.items()}


def _active(text: str) -> tuple[str, ...]:
    """Return the content words with who did it in front, also where "by" puts it behind."""
    stems = _stems(text)
    _, by, doer = normalise(text).partition(" by ")
    first = _meaning(doer.split()[0]) if by and doer else ""
    return (first, *(stem for stem in stems if stem != first)) if stems.count(first) == 1 else stems


def _undated(stems: tuple[str, ...]) -> list[str]:
    return [stem for stem in stems if stem not in _CALENDAR]


def _is_static(text: str) -> bool:
    """Say whether no verb has a doer and one to whom it is done, so that the order of the nouns says nothing."""
    return all(FORMS[word][0] in _STATIC for word in normalise(text).split() if word in FORMS)


def _is_rotation(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    """Say whether `right` is `left` with its beginning moved to its end ("spring is best", "best is spring")."""
    return any(left[cut:] + left[:cut] == right for cut in range(max(1, len(left))))
