"""Keeps in mind who was spoken of, so that "he" and "she" in the next clause get their names."""

from __future__ import annotations

import re
from typing import Final

from memory.providers.local.statements.kinds import KIN

_SHE: Final = (
    r"wife|girlfriend|fianc[eé]e|daughter|mother|mum|mom|mama|sister|aunt|niece|gran|nan|grandm\w+|granddaughter|"
    r"stepmother|stepdaughter|landlady|mother-in-law|sister-in-law|goddaughter"
)
_HE: Final = (
    r"husband|boyfriend|fianc[eé]|son|father|dad|papa|brother|uncle|nephew|grandpa|grandfather|grandson|stepfather|"
    r"stepson|"
    r"landlord|father-in-law|brother-in-law|godson"
)
_PET: Final = r"(?:dog|cat|parrot|horse|rabbit|hamster|puppy|kitten|tortoise|turtle|budgie)"
_ONE: Final = rf"(?:{KIN[:-2]}|{_PET})\b"
_PLURAL = re.compile(r"(?:[^s]s|children|kids|twins)$", re.IGNORECASE)
_SPOKEN_OF = re.compile(
    rf"^(?P<is>[A-Z][a-z]+) (?:is|was) my (?P<role>(?:\w+ ){{0,2}}?{_ONE})"
    rf"|^(?P<mine>(?:[Mm]y|[Oo]ur) (?:\w+ ){{0,2}}?{_ONE}(?: [A-Z][a-z]+)?)(?! (?:and|or)\b|')"
    rf"|^(?:I|we) (?:have|adopted|got|married) (?:an? |my )?(?P<had>(?:\w+ ){{0,2}}?{_ONE})(?: (?:called|"
    rf"named) (?P<name>[A-Z][a-z]+))?"
    r"|^(?P<named>[A-Z][a-z]+) (?=[a-z])",
)
_PRONOUN = re.compile(r"^(?P<own>his|her)(?= [a-z]+ )|^(?P<who>he|she)\b(?=['\u2019 ])", re.IGNORECASE)
_UNSAID = re.compile(r"^(?P<who>(?:my|our) [\w' -]{2,30}?|[A-Z][a-z]+) (?P<verb>is|are)(?P<not> not)?$")
_STATE = re.compile(r"^(?:I am|we are) (?P<not>not )?(?P<what>[\w -]{3,60})$")


class People:
    """Who was spoken of last, and what was said, clause by clause of one message."""

    def __init__(self) -> None:
        self._who = ""
        self._gender = ""
        self._state = ""

    def put_in(self, clause: str) -> str:
        """The clause with the name in the place of "he", "she", "his" or "her" at its start."""
        if not self._who or (found := _PRONOUN.match(clause)) is None:
            return clause
        wanted = "m" if found[0].casefold() in {"he", "his"} else "f"
        if self._gender and self._gender != wanted:
            return clause
        return f"{self._who}{chr(39) + 's' if found['own'] else ''}{clause[found.end() :]}"

    def said_out(self, plain: str) -> str:
        """The clause with the state that it shares with the one before: "I am vegan, my wife is not"."""
        found = _UNSAID.match(plain)
        return f"{found[0]} {self._state}" if found and self._state else plain

    def hear(self, plain: str, *, understood: bool) -> None:
        """Keep in mind whom the clause is about; one that was not understood may be about anybody."""
        state = _STATE.match(plain)
        self._state = state["what"] if state else ""
        found = _SPOKEN_OF.match(plain)
        if found is None or not understood:
            if not understood:
                self._who = self._gender = ""
            return
        if found["is"]:
            self._who = f"my {found['role']} {found['is']}"
        elif found["had"]:
            self._who = f"my {found['had']}" + (f" {found['name']}" if found["name"] else "")
        else:
            self._who = found["mine"] or found["named"]
            self._who = self._who[:1].lower() + self._who[1:] if found["mine"] else self._who
        if _PLURAL.search(self._who):
            self._who = ""
        self._gender = (
            "f" if re.search(rf"\b(?:{_SHE})\b", self._who) else "m" if re.search(rf"\b(?:{_HE})\b", self._who) else ""
        )
