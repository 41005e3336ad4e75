"""How messages and questions are put before PostgreSQL stems them: irregular forms by their base, dates in words."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from memory.providers.local.statements.verbs import FORMS

# base:past[/participle] or plural, as far as the verbs that people use about themselves don't have them already.
# Left out is what is more often another word: lives, rose, saw (a tool) is see all the same, being far more frequent.
_MORE: Final = """
arise:arose/arisen beat:beaten bend:bent bind:bound bleed:bled blow:blew/blown breed:bred burn:burnt cling:clung
creep:crept deal:dealt dig:dug fight:fought flee:fled forbid:forbade/forbidden forgive:forgave/forgiven
freeze:froze/frozen grind:ground hang:hung hide:hid/hidden kneel:knelt lean:leant leap:leapt lie:lain light:lit
mistake:mistook/mistaken overcome:overcame prove:proven ring:rang/rung rise:risen seek:sought sew:sewn
shake:shook/shaken shine:shone shoot:shot shrink:shrank/shrunk sink:sank/sunk slide:slid sow:sown spell:spelt
spill:spilt spin:spun spoil:spoilt spring:sprang/sprung steal:stole/stolen stick:stuck sting:stung
stride:strode strike:struck strive:strove/striven swear:swore/sworn sweep:swept swell:swollen swing:swung
undergo:underwent/undergone undertake:undertook/undertaken upset:upset weave:wove/woven weep:wept wind:wound
withdraw:withdrew/withdrawn
child:children person:people man:men woman:women wife:wives knife:knives shelf:shelves leaf:leaves half:halves
wolf:wolves calf:calves loaf:loaves foot:feet tooth:teeth goose:geese mouse:mice
"""
_TOLD: Final = frozenset({"past", "participle"})


def _bases() -> dict[str, str]:
    listed = (entry.split(":") for entry in _MORE.split())
    more = {form: base for base, forms in listed for form in forms.split("/")}
    irregular = {form: base for form, (base, kind) in FORMS.items() if kind in _TOLD and not form.endswith("ed")}
    return more | {form: base for form, base in irregular.items() if form != base}


BASES: Final = _bases()
_WORD: Final = re.compile(r"[A-Za-z]+")
_OF_ITSELF: Final = re.compile(r"\b(?:I|my|mine|me|myself)\b", re.IGNORECASE)
ASKS, OF_ITSELF = 1, 2  # bits of a message's marks


def plain(text: str) -> str:
    """The text with irregular forms by their base: what a stemmer can't see, as in "went" and "go"."""
    # most texts have none or two: to look each word up first is ten times as fast as one large pattern
    irregular = {word for word in _WORD.findall(text) if word.lower() in BASES}
    if not irregular:
        return text
    return re.sub(rf"\b(?:{'|'.join(irregular)})\b", lambda found: BASES[found[0].lower()], text)


def in_words(at: datetime) -> str:
    """A date as people ask for it."""
    return f"{at:%A} {at.day} {at:%B} {at.year}"


def speaker(name: str) -> str:
    """A name as it is compared."""
    return " ".join(name.lower().split())


def marks(text: str) -> int:
    """What a message does, as bits."""
    return ASKS * ("?" in text) | OF_ITSELF * bool(_OF_ITSELF.search(text))
