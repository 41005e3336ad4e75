"""Cuts a message into sentences and clauses that its author said themselves, with their places in the message."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from memory.providers.local.statements.hearing.own_words import spoken
from memory.providers.local.statements.kinds import KIN

# A longer "sentence" is a paste, not something said; it stays in one piece.
MOST_CHARACTERS: Final = 4000

_EMOJI = "\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe0f\u200d\u20e3"
_BREAK = re.compile(
    rf"\n+[ \t]*(?:[-*•+]|\d{{1,2}}[.)])?[ \t]+|\n+|[{_EMOJI}]+|(?<!\w)[:;]-?[()DPp](?!\w)"
    r"|(?P<stop>[.!?…]+[\"”')\]]*)(?=\s|$)"
)
_LIST_MARK = re.compile(r"\s*(?:[-*•+]|\d{1,2}[.)])\s+")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:mr|mrs|ms|dr|prof|st|vs|e\.g|i\.e|approx|no|jr|sr|etc|a\.m|p\.m|[a-z])\.$", re.IGNORECASE
)
_NEVER_LAST: Final = frozenset({"mr", "mrs", "ms", "dr", "prof", "st", "vs", "e.g", "i.e", "approx"})

# Bounded, because unbounded neighbours (spaces, comma, spaces) take cubic time on a page of blanks.
_SPACE = r"\s{1,3}"
_GAP = r"\s{0,3}"
_MINE = r"(?:I|I'm|I\u2019m|I've|I\u2019ve|I'd|I\u2019d|I'll|I\u2019ll|we|we're|we\u2019re|we've|we\u2019ve)\b"
_ITS_VERB = r"(?:is|are|was|were|has|have|does|doesn't|works|lives|loves|likes|hates|runs|isn't|aren't)\b"
_OWNED = rf"(?:my|our){_SPACE}(?:\w+{_SPACE}){{1,3}}?{_ITS_VERB}"
_OTHER = (
    r"(?:(?:he|she|it|they|you|that|there|this|what|can|could|would|should|please|let|any|how|where|when|which|do|does"
    r"|is|are|maybe|thanks|so|not)\b|(?:it|that|he|she|they|you|there|what|let)['\u2019]\w+)"
)
# No joint at "because": the reason belongs to the fact. `and my …` without a verb is part of a list ("my wife and my
# two kids"), hence _OWNED.
_ELSEWHERE = (
    rf"(?:(?:when|if|while|since){_SPACE}\w+|(?:on|at|in|by|from){_SPACE}\w+{_SPACE}(?:{_MINE}|(?:the|he|she|they|"
    rf"it|my|our)\b))"
)
_ASKING = (
    r"(?:expect|feel|no|nothing|give|keep|don['\u2019]t|use|skip|make|tell|remember|tomorrow|today|"
    r"then|some|anything|whatever)\b"
)
_JOINT = re.compile(
    rf"{_GAP}(?:;|\s[\u2014\u2013-]+\s|\u2014|:(?=\s{{1,3}}{_MINE})){_GAP}"
    rf"|{_GAP},?{_SPACE}(?:so|but|although|though|yet|or){_SPACE}(?=(?:that{_SPACE})?(?:{_MINE}|{_OWNED}|{_OTHER}))"
    rf"|{_GAP},?{_SPACE}so{_SPACE}(?={_ASKING})"
    rf"|{_GAP},{_GAP}(?:and|so|but|which is why){_SPACE}(?=(?:{_MINE}|{_OWNED}|{_OTHER}))"
    rf"|{_GAP},{_GAP}so{_SPACE}(?=\w+ \w+ )"
    rf"|{_GAP},{_GAP}(?=(?:{_MINE}|{_OWNED}|(?:that|it|he|she|they|there|people)(?:['\u2019]\w+|{_SPACE}\w+)))"
    rf"|{_SPACE}(?:and|but){_SPACE}(?=(?:{_MINE}|{_OWNED}|{_ELSEWHERE}|"
    rf"(?:he|she|they|it|that)(?:['\u2019]\w+|{_SPACE}\w+)))",
    re.IGNORECASE,
)
# In a question: where what is taken for granted ends and the asking begins.
_ASKS = re.compile(
    rf"{_GAP}[,;:\u2014\u2013-]{_GAP}(?:(?:so|and|but|then|now|also)[ ,]{{1,2}})?(?=(?:what|which|how|where|when|why|"
    rf"who|whose|can|"
    r"could|should|shall|would|do|does|did|is|are|am|will|may|any|anything)\b)",
    re.IGNORECASE,
)
# Said in passing about somebody: true whatever the sentence asks.
_SOMEBODY: Final = r"(?:[Mm]y|[Oo]ur) (?:[\w'\u2019-]+ ){0,2}?[\w'\u2019-]+|[A-Z][a-z]+"
_IN_PASSING = re.compile(rf"\b({_SOMEBODY})(, who(?:['\u2019]s| (?=\w))(?P<said>[^,.;?!]{{3,120}}))(?P<more>,?)")
# "Mia, my daughter, plays" and "my daughter, Mia, plays"
_BESIDE = re.compile(
    rf"\b([A-Z][a-z]+), ((?:my|our) (?:\w+ )?{KIN}),|\b((?:[Mm]y|[Oo]ur) (?:\w+ )?{KIN}), ([A-Z][a-z]+),"
)
_DEPENDENT = re.compile(
    r"^(?:when|while|after|before|since|until|whenever|once|as|if|unless|although|though|because|given|"
    r"even|every time)\b",
    re.I,
)
_BARE_NAMES = re.compile(r"^(?:[A-Z][\w'\u2019-]+|(?:my|our)(?:\s+[\w'\u2019-]+){1,2}(?<!n['\u2019]t))$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence or clause; `text` is `content[start:end]` of the message, where nothing was covered or left out."""

    text: str
    start: int
    end: int

    @property
    def asks(self) -> bool:
        return "?" in self.text[-4:]


def sentences(content: str, *, cover: Callable[[str], str] = spoken) -> Iterator[Piece]:
    """Yield what `cover` leaves of the content, sentence by sentence: all but code, quoted lines and speech."""
    own = cover(content)
    start = 0
    for brk in _BREAK.finditer(own):
        if brk["stop"] is not None:
            if _is_abbreviation(own, brk.end()):
                continue
            yield from _trimmed(own, start, brk.end())
        else:
            yield from _trimmed(own, start, brk.start())
        start = brk.end()
    yield from _trimmed(own, start, len(own))


def clauses(sentence: Piece) -> list[Piece]:
    """Cut a sentence where one statement ends and another begins; each clause could stand alone."""
    text = sentence.text
    if not 12 <= len(text) <= MOST_CHARACTERS or (joint := _JOINT.search(text)) is None:
        return [sentence]
    found: list[Piece] = []
    start = 0
    while joint is not None:
        left = text[start : joint.start()].strip()
        if left and not _DEPENDENT.match(left) and not _BARE_NAMES.match(left):
            found.append(Piece(left, sentence.start + start, sentence.start + joint.start()))
            start = joint.end()
        joint = _JOINT.search(text, joint.end())
    rest = text[start:]
    if rest.strip():
        found.append(Piece(rest, sentence.start + start, sentence.end))
    return found


def granted(question: Piece) -> Iterator[Piece]:
    """Yield what a question takes for granted: the words before the asking begins; not what it supposes."""
    if asking := _ASKS.search(question.text):
        left = question.text[: asking.start()]
        yield from clauses(Piece(left, question.start, question.start + len(left)))
    else:
        yield from clauses(question)[:-1]


def in_passing(sentence: Piece) -> Iterator[Piece]:
    """Yield what the sentence says of somebody in passing: "my wife, who is a vet, …" → "my wife is a vet"."""
    for found in _IN_PASSING.finditer(sentence.text) if ", who" in sentence.text else ():
        verb = "is" if found[2].startswith((", who'", ", who\u2019")) else ""
        said = f"{found[1]} {verb} {found['said']}"
        yield Piece(" ".join(said.split()), sentence.start + found.start(), sentence.start + found.end())


def directly(sentence: Piece) -> Piece:
    """The sentence without what it says in passing: "my wife, who is a vet, swims" → "my wife swims", as long."""
    if "," not in sentence.text:
        return sentence
    text = _BESIDE.sub(lambda found: f"{found[2] or found[3]} {found[1] or found[4]}  ", sentence.text)
    text = _IN_PASSING.sub(lambda found: f"{found[1]}{' ' * len(found[2] + found['more'])}", text)
    return Piece(text, sentence.start, sentence.end)


def _is_abbreviation(text: str, end: int) -> bool:
    """Say whether the full stop that ends at `end` belongs to a shortened word inside the sentence."""
    found = _ABBREVIATION.search(text[max(0, end - 8) : end])
    if found is None:
        return False
    word = found[0].strip(" (\n\t").rstrip(".").casefold()
    following = text[end : end + 2].strip()
    if word in _NEVER_LAST:
        return True
    if word == "no":
        return following.isdigit()
    if len(word) == 1:
        return word != "i" and text[end - 2].isupper() and following.isupper()
    return bool(following) and following[0].islower()


def _trimmed(text: str, start: int, end: int) -> Iterator[Piece]:
    mark = _LIST_MARK.match(text, start, end)
    if mark is not None:
        start = mark.end()
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        yield Piece(text[start:end], start, end)
