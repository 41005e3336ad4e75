"""Says of a folded fact whether it holds, is denied, or has ended, and whether it is a fact, a wish or a guess."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from memory.dedupe.reading.rules import applied, first_applied, loaded
from memory.providers.local.statements.verbs import words_of


class Stance(StrEnum):
    """Whether what is said holds."""

    HOLDS = "holds"
    DENIED = "not"
    NEVER = "never"
    ENDED = "ended"


class Mood(StrEnum):
    """How what is said is meant."""

    FACT = "fact"
    PLAN = "plan"
    MAYBE = "maybe"


_STANCES: Final = tuple((stance, loaded(stance.name.lower())) for stance in (Stance.ENDED, Stance.NEVER, Stance.DENIED))
_MOODS: Final = tuple((mood, loaded(mood.value)) for mood in (Mood.MAYBE, Mood.PLAN))
_SIGNS: Final = frozenset(
    words_of(
        """
    no longer not anymore used stop stopped stops quit quits quitted cease ceased gave given give giving up
    left lost resigned retired dropped finished withdrew laid fired let got gotten cancelled canceled sold
    sell returned unsubscribed uninstalled deleted removed ditched scrapped paid broke split divorced
    abandoned threw outgrew outgrown donated discontinued closed called separated broken died passed stolen
    ran gone over expired ended moved went disappeared cleared cured healed wore vanished formerly former
    previously ex more never once ever free without avoid abstain stay steer refrain refuse have cannot
    unable neither nor none nobody nothing lack lacks lacked hasnt away put totaled
    """
    )
) - {"have", "let", "more", "stay"}
_NO_WISH = re.compile(r"\bnot (?:only|just|far|long|sure|until)\b")


def stance_of(folded: str) -> tuple[Stance, str]:
    """Return whether a folded fact holds, and what it speaks of without the words that say so.

    Of two such words the stronger counts: what has ended, what never was, what isn't so.
    """
    if _SIGNS.isdisjoint(folded.split()) and " ex-" not in f" {folded}":
        return Stance.HOLDS, folded
    plain = _NO_WISH.sub(" ", folded)
    for stance, groups in _STANCES:
        spoken = first_applied(groups, plain)
        if spoken is not None:
            return stance, spoken
    return Stance.HOLDS, folded


def mood_of(folded: str) -> tuple[Mood, str]:
    """Return how a folded fact is meant, and what it speaks of without the words that say so."""
    for mood, groups in _MOODS:
        spoken = applied(groups, folded)
        if spoken != folded:
            return mood, spoken
    return Mood.FACT, folded
