"""Which places of a statement hold one value at a time: where somebody lives, what something costs, when it is."""

from __future__ import annotations

from typing import Final

from memory.dedupe.comparing.align import Clash
from memory.dedupe.comparing.soft import nearness
from memory.dedupe.reading.read import Claim
from memory.dedupe.reading.senses import KIN, exclude, meaning
from memory.dedupe.reading.stance import Stance
from memory.dedupe.reading.terms import CALENDAR, Sort
from memory.providers.local.statements.verbs import words_of

SINGLE: Final = frozenset(
    meaning(word)
    for word in words_of(
        """
    live name marry cost port wake bedtime weigh be start end begin finish close open drive grow retire
    expire graduate run rent belong report manage total prefer commute born wake die arrive depart leave
    land move sleep
    """
    )
)
_SEVERAL: Final = frozenset(
    meaning(word)
    for word in words_of(
        """
    visit speak like hate eat drink play read watch know own have see meet travel fly go study learn teach
    cook want use collect buy help follow listen
    """
    )
)
_OF_STATE: Final = frozenset(map(meaning, ["be", "work", "have", "cost", "any"]))
_AS: Final = frozenset({"as", "at", "for"})


def is_single(a: Claim, b: Claim, clash: Clash) -> bool:
    """Say whether the place of a clash can hold only one of the two at a time."""
    if clash.kind == "antonym":
        return True
    verbs = {a.verb, b.verb}
    if clash.kind in {"number", "rate"} or clash.a.sort in CALENDAR:
        return len(verbs) == 1 or "" in verbs or verbs <= _OF_STATE
    if "subj" in {clash.a.part, clash.b.part} or (len(verbs) > 1 and not verbs <= _OF_STATE):
        return False
    if verbs <= {meaning("work")}:
        return clash.a.part in _AS
    if verbs & _SEVERAL and not (a.changed or b.changed):
        return False
    if "be" in verbs:
        return _is_single_state(a, b, clash)
    return bool(verbs & SINGLE)


def _is_single_state(a: Claim, b: Claim, clash: Clash) -> bool:
    """Of "my … is …" one value holds; of "I am …" many do, unless one took the place of the other."""
    if a.subject != ("self",):
        return _are_alike(a, clash)
    if clash.kind == "value" and clash.a.part == "from":
        return True
    return (a.changed or b.changed) and clash.a.part == clash.b.part


def _are_alike(a: Claim, clash: Clash) -> bool:
    """Say whether two values answer one question: "diesel" and "electric", not "older" and "married"."""
    if clash.kind != "value" or meaning("favorite") in a.subject or exclude(clash.a.key, clash.b.key):
        return True
    if clash.a.sort is Sort.NAME or clash.b.sort is Sort.NAME or clash.a.part == "kind" or KIN.isdisjoint(a.subject):
        return True
    return nearness(clash.a.key, clash.b.key) >= _ALIKE


_ALIKE: Final = 0.2


def is_over(claim: Claim) -> bool:
    """Say whether a statement says that something isn't so, or not any more."""
    return claim.stance is not Stance.HOLDS
