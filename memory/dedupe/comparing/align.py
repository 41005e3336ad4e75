"""Lays the terms of two statements side by side: what both say, what clashes, and what only one says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from memory.dedupe.comparing.soft import nearness
from memory.dedupe.reading.read import Claim
from memory.dedupe.reading.senses import KIN, are_opposite, exclude
from memory.dedupe.reading.terms import CALENDAR, Fills, Sort, Term, bare

NEAR: Final = 0.62  # from this nearness on two words are taken for one
_SPOKEN: Final = frozenset({Sort.WORD, Sort.NAME, Sort.ADVERB, Sort.TIME, Sort.PART})
SOFT: Final = frozenset({Sort.WORD, Sort.ADVERB})
LIGHT: Final = CALENDAR | {Sort.ADVERB, Sort.RATE, Sort.TIME}


@dataclass(frozen=True, slots=True)
class Clash:
    """Two terms that fill one place with different things."""

    kind: str
    a: Term
    b: Term


class Shared(NamedTuple):
    """A term of both sides, and how near the two are (1: equal)."""

    a: Term
    b: Term
    near: float

    def of(self, side: int) -> Term:
        """Return the term of a side; 0 is `a`."""
        return self.b if side else self.a


@dataclass(frozen=True, slots=True)
class Alignment:
    """What both sides say, what clashes, and what one side says alone."""

    shared: tuple[Shared, ...]
    clashes: tuple[Clash, ...]
    rest_a: tuple[Term, ...]
    rest_b: tuple[Term, ...]

    def cover(self, side: int) -> float:
        """Return how much of one side (0 is `a`) is common to both."""
        common, whole = self._shared(side)
        for term in self.rest_b if side else self.rest_a:
            whole += term.weight
        for clash in self.clashes:
            whole += (clash.b if side else clash.a).weight
        return min(1.0, common / whole) if whole else 1.0

    def cover_but_clashes(self, side: int) -> float:
        """Return how much of one side, without what clashes and when it is, is common to both."""
        common, whole = self._shared(side)
        clashing = [(clash.b if side else clash.a).key for clash in self.clashes]
        for term in self.rest_b if side else self.rest_a:
            if term.sort not in LIGHT and term.follows not in clashing:
                whole += term.weight
        return min(1.0, common / whole) if whole else 1.0

    def _shared(self, side: int) -> tuple[float, float]:
        """Return the weight of what is common, and what it weighs on one side."""
        common = whole = 0.0
        for a, b, near in self.shared:
            common += near * max(a.weight, b.weight)
            whole += b.weight if side else a.weight
        return common, whole


def align(a: Claim, b: Claim) -> Alignment:
    """Pair equal terms first, then the nearest words; of what is left, pair what clashes."""
    left, right = list(a.terms), list(b.terms)
    keys = a.keys & b.keys
    shared = _equal(left, right, keys, same_part=True) + _equal(left, right, keys) if keys else []
    if left and right:
        shared += _nearest(left, right)
    clashes = _clashing(left, right) if left and right else []
    return Alignment(tuple(shared), tuple(clashes), tuple(left), tuple(right))


def _equal(left: list[Term], right: list[Term], keys: frozenset[str], *, same_part: bool = False) -> list[Shared]:
    """Take pairs of equal terms out of both lists; each has one of the keys."""
    found: list[Shared] = []
    for one in left[:]:
        if one.key not in keys and one.word not in keys and one.sort is not Sort.CLOCK:
            continue
        for place, other in enumerate(right):
            if (not same_part or one.part == other.part) and _are_equal(one, other):
                found.append(Shared(one, other, 1.0))
                left.remove(one)
                del right[place]
                break
    return found


def _are_equal(one: Term, other: Term) -> bool:
    if one.key == other.key:
        return (one.sort is other.sort or (one.sort in _SPOKEN and other.sort in _SPOKEN)) and not _by_an_e(one, other)
    if {one.sort, other.sort} == {Sort.NAME, Sort.WORD}:
        return one.word == other.word
    if one.sort is Sort.CLOCK and other.sort is Sort.CLOCK:
        return _is_same_hour(one.key, other.key)
    return {one.sort, other.sort} == {Sort.CLOCK, Sort.NUMBER} and bare(one.key) == bare(other.key)


def _by_an_e(one: Term, other: Term) -> bool:
    """Say whether an -e is all that tells two words apart: "jan" and "jane" have one stem, and are two names."""
    return one.word != other.word and (one.word + "e" == other.word or other.word + "e" == one.word)


def _is_same_hour(one: str, other: str) -> bool:
    """Compare times of day, of which one may leave open whether it is before or after noon."""
    if not (one.endswith("?") or other.endswith("?")):
        return one == other
    return _half_day(one) == _half_day(other)


def _half_day(clock: str) -> tuple[int, str]:
    hour, _, minute = clock.rstrip("?").partition(":")
    return int(hour) % 12, minute


def _nearest(left: list[Term], right: list[Term]) -> list[Shared]:
    """Take pairs of near words out of both lists, the nearest first."""
    soft = [(j, other) for j, other in enumerate(right) if other.sort in SOFT]
    pairs = sorted(
        (-near, one.key, other.key, i, j)
        for i, one in enumerate(left)
        if one.sort in SOFT
        for j, other in soft
        if (near := nearness(one.key, other.key)) >= NEAR and not _are_several(one, other)
    )
    if not pairs:
        return []
    taken_a: set[int] = set()
    taken_b: set[int] = set()
    found: list[Shared] = []
    for near, _, _, i, j in pairs:
        if i not in taken_a and j not in taken_b:
            found.append(Shared(left[i], right[j], -near))
            taken_a.add(i)
            taken_b.add(j)
    left[:] = [term for i, term in enumerate(left) if i not in taken_a]
    right[:] = [term for j, term in enumerate(right) if j not in taken_b]
    return found


def _are_several(one: Term, other: Term) -> bool:
    """Say whether two words that stand near each other are never one: "hot" and "cold", "brother" and "sister"."""
    return are_opposite(one.key, other.key) or exclude(one.key, other.key) or (one.key in KIN and other.key in KIN)


_OPPOSITE: Final = int(Fills.OPPOSITE)


def _clashing(left: list[Term], right: list[Term]) -> list[Clash]:
    """Take pairs of terms out of both lists that fill one place with different things."""
    found: list[Clash] = []
    filled_a, filled_b = _filled(left), _filled(right)
    for kind, fills, clash in _KINDS:
        if not _meet(filled_a, filled_b, fills):
            continue
        for one in left[:]:
            for place, other in enumerate(right):
                if _meet(one.fills, other.fills, fills) and clash(one, other):
                    found.append(Clash(kind, one, other))
                    left.remove(one)
                    del right[place]
                    break
    return found


def _meet(one: int, other: int, fills: int) -> int:
    """Say whether both fill it; of two opposites one alone may be listed: "married", "unmarried"."""
    return one & other & fills or (one | other) & fills & _OPPOSITE


def _filled(terms: list[Term]) -> int:
    filled = 0
    for term in terms:
        filled |= term.fills
    return filled


def _opposite(one: Term, other: Term) -> bool:
    return are_opposite(one.key, other.key)


def _exclusive(one: Term, other: Term) -> bool:
    return exclude(one.key, other.key)


def _dates(one: Term, other: Term) -> bool:
    return one.sort in CALENDAR and one.sort is other.sort


def _rates(one: Term, other: Term) -> bool:
    return one.sort is Sort.RATE and other.sort is Sort.RATE


def _numbers(one: Term, other: Term) -> bool:
    """Two numbers of one measure; "10 km" and "3 times" tell of two things."""
    if not (one.sort is Sort.NUMBER and other.sort is Sort.NUMBER):
        return False
    left, right = _measure(one.key), _measure(other.key)
    return left == right or "" in {left, right}


_MEASURES: Final = {
    unit: measure
    for measure, units in (
        ("mass", "mass stone"),
        ("length", "length mile foot inch"),
        ("money", "eur usd gbp chf jpy"),
        ("heat", "celsius fahrenheit degree"),
        ("span", "time days months"),
    )
    for unit in units.split()
}


def _measure(key: str) -> str:
    unit = key.partition(" ")[2]
    return "" if unit == "pound" else _MEASURES.get(unit, unit)  # a pound is a weight or money


def _values(one: Term, other: Term) -> bool:
    """Two words in one place; which of them are names is not always told by a capital."""
    return one.part == other.part and {one.sort, other.sort} <= {Sort.NAME, Sort.WORD} and one.part != "verb"


def moved(a: Claim, b: Claim, found: Alignment) -> tuple[tuple[Term, Term], ...]:
    """Return the terms that play another part on each side: "from Oslo" and "to Oslo", "Ann hired" and "hired Ann"."""
    away = [
        (one, other)
        for one, other, near in found.shared
        if near == 1.0 and one.part != other.part and one.sort in {Sort.NAME, Sort.WORD} and one.part != "verb"
    ]
    changed = [pair for pair in away if _crossed(pair, away)]
    if changed and a.verb == b.verb:
        return tuple(changed)
    doers = [pair for pair in away if {pair[0].part, pair[1].part} <= _PLAYED and _is_somebody(pair[0])]
    by_user = [pair for pair in doers if (b if pair[0].part == "subj" else a).subject == ("self",)]
    return tuple(by_user) if by_user and a.verb == b.verb else ()


_PLAYED: Final = frozenset({"subj", "obj", "to", "than"})


def _crossed(pair: tuple[Term, Term], moved: list[tuple[Term, Term]]) -> bool:
    """Say whether another term went the opposite way."""
    return any((one.part, other.part) == (pair[1].part, pair[0].part) for one, other in moved)


def _is_somebody(term: Term) -> bool:
    return term.sort is Sort.NAME or term.key in KIN


_HOURS: Final = {"morning": range(4, 12), "noon": range(12, 13), "afternoon": range(12, 19), "evening": range(16, 24)}


def _hours(one: Term, other: Term) -> bool:
    """Say whether a time of day lies outside of the part of the day that the other names."""
    if {one.sort, other.sort} != {Sort.PART, Sort.CLOCK}:
        return False
    part, clock = (one, other) if one.sort is Sort.PART else (other, one)
    hour = int(clock.key.split(":")[0])
    if clock.key.endswith("?"):
        return False
    return hour not in _HOURS.get(part.key, (*range(18, 24), *range(8)))


_KINDS: Final = (
    ("antonym", int(Fills.OPPOSITE), _opposite),
    ("number", int(Fills.NUMBER), _numbers),
    ("date", int(Fills.CALENDAR), _dates),
    ("date", int(Fills.CALENDAR), _hours),
    ("rate", int(Fills.RATE), _rates),
    ("value", int(Fills.EXCLUSIVE), _exclusive),
    ("value", int(Fills.VALUE), _values),
)
