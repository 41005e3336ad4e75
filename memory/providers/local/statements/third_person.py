"""Reads who does what in a clause, and says it again about the user: "I don't eat meat" → "Does not eat meat"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from memory.providers.local.statements.verbs import FORMS, MODALS, third, words_of

_ADVERBS: Final = frozenset(
    words_of(
        """
    also always usually often never really just still now currently only mostly mainly sometimes
    rarely hardly normally generally actually regularly recently finally already absolutely
    definitely truly both all especially particularly typically probably soon personally
    occasionally seldom frequently even simply totally kinda sorta first later long since then
    eventually officially originally temporarily severely strongly deeply secretly barely ever
    almost nearly lately no longer
    """
    )
)
# They say how the speaker talks, not what is the case; without them a restated fact gives the same text.
_FILLERS: Final = frozenset(words_of("""also actually just kinda sorta simply personally then even"""))

_LONG: Final = [
    (re.compile(pattern, re.IGNORECASE), long)
    for pattern, long in [
        (r"\bI'?m\b(?!-)", "I am"), (r"\b(I|we|you|they)'ve\b", r"\1 have"), (r"\bIve\b", "I have"), (r"\bwe're\b",
        "we are"),
        (r"\b(they|you)'re\b", r"\1 are"), (r"\b(\w+)'ll\b", r"\1 will"), (r"\bwon't\b", "will not"),
        (r"\bcan'?t\b", "cannot"),
        (r"\bcan not\b", "cannot"), (r"\bshan't\b", "shall not"), (r"\bain't\b", "am not"),
        (r"\b(do|does|did|is|was)nt\b", r"\1 not"),
        (r"\b(\w+)n't\b", r"\1 not"),
        (r"\b(I|we)'d (?=(?:\w+ )?(?:been|had|gone|lived|worked)\b)", r"\1 had "),
        (r"\b(I|we|you|they|he|she)'d\b", r"\1 would"),
        (r"\b(he|she|it|that|there|who)'s (?=got\b|been\b|had\b)", r"\1 has "),
        (r"\b(he|she|it|that|there|who|what)'s\b", r"\1 is"),
        (r"\b(\w+)'s (?=(?:an?|not|allergic|vegetarian|vegan|from|called|named|based|pregnant|married|"
r"retired|turning)\b)", r"\1 is "),
        (r"\b(I|we) have got\b", r"\1 have"), (r"\bhas got\b", "has"), (r"\b(?:gonna)\b", "going to"),
        (r"\bwanna\b", "want to"),
        (r"\bgotta\b", "have to"), (r"\b(do|does|did) not anymore\b", r"\1 not any more"),
    ]
]  # fmt: skip
_OPENER = re.compile(
    r"^(?:(?:well|actually|oh|ah|um+|uh+|hm+|so|and|but|also|anyway|honestly|basically|fyi|btw|"
    r"yes|yeah|yep|yup|no|nope|ok|okay|sure|hey|hi|"
    r"hello|right|wow|haha|lol|true|plus|cool|great|nice|true|besides|thanks|sorry|because|cause|"
    r"though|although|unfortunately|luckily|fortunately|"
    r"sadly|personally|as i said|as i mentioned|like i said|as you know|by the way|to be honest|"
    r"tbh|in fact|for the record|for context|"
    r"just so you know|just to let you know|you know|fun fact|quick note|one more thing|for reference|"
    r"as a reminder|for what it's worth|"
    r"(?:please |pls )?(?:remember|note|keep in mind|don't forget) that)(?:[,:.!…]+\s*|\s+(?=(?:I|"
    r"I'm|I've|my|we|our)\b)|\s*[-\u2013\u2014]+\s+))+",
    re.IGNORECASE,
)
_HEADED = re.compile(r"^[^:,.]{3,40}: (?=(?:I|my|we|our)\b)", re.IGNORECASE)
_CLOSER = re.compile(
    r"(?:[,\s]+(?:by the way|btw|haha|lol|please|pls|though|too|as it is|actually|anyway|just saying|"
    r"honestly|you know|for sure|of course|"
    r"as well|before you \w+.*|if that (?:helps|matters)|fyi|tbh|i think|i guess|remember|as|in case \w+.*|"
    r"so|and|but|or)\b[\s!.)]*)+$",
    re.IGNORECASE,
)
_CALLED = re.compile(r"^(?:(?:hey|hi|hello|thanks|yeah|wow|yes|no)\s+)?[A-Z][a-z]+[,!]\s+(?=(?:I|my|we|our)\b)")
_ASIDE = re.compile(
    r"^((?:(?:when|while|whenever|as an?|before|after|until|since|every time|because of)\b[^,;]{1,70}(?=,)|"
    r"(?:these days|nowadays|currently|lately|recently|"
    r"usually|sometimes|normally|tomorrow|yesterday|tonight|(?:on|since|every|each|in|at|last|"
    r"next|this|during|for|most|twice|once|two|three|\d+)"
    r"\b(?: (?!I\b|my\b|we\b|our\b)[^\s,;]+){1,6}?)(?=,? (?:I|my|we|our)\b))),?\s+(?=(?:I|my|we|our)\b)",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"^(?:the )?user\s+(?=\w+s\b)|^(?P<who>I|we)\s+|^(?P<joint>[A-Z][\w'-]+|my [\w'-]+(?: [A-Z][\w'-]+)?) and I\s+",
    re.IGNORECASE,
)
_OWN = re.compile(r"^(?:my|our)\s+", re.IGNORECASE)
_NAME = re.compile(r"^([A-Z][a-z'-]+(?: [A-Z][a-z'-]+)?)\s+(?=[a-z])")


class Who(StrEnum):
    """Whom a statement is about: the user, the user with others, somebody or something of theirs, somebody named."""

    SELF = "self"
    GROUP = "group"
    OWNED = "owned"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class Statement:
    """A clause taken apart; `verb` is its first verb as written, `main` the base form of the one with the meaning."""

    who: Who
    subject: str
    adverbs: tuple[str, ...]
    verb: str
    negated: bool
    rest: str
    aside: str
    main: str
    form: str
    object: str


def spoken_plainly(clause: str) -> str:
    """Return the clause without openers, contractions and closing marks: "Well, I'm in!" → "I am in"."""
    text = _CLOSER.sub(
        "", _unbracketed(" ".join(clause.replace("\u2019", "'").split()).strip(" .!,;:…*_~-\u2013\u2014"))
    )
    if text.isupper() and text.count(" ") > 1:
        text = text.lower()
    text = _OPENER.sub("", text)
    text = _OPENER.sub("", _CALLED.sub("", _HEADED.sub("", text)))
    if (
        "'" in text
        or " i " in f" {text}"
        or re.search(r"\b(?:im|ive|cant|dont|doesnt|didnt|isnt|gonna|wanna|gotta)\b", text, re.I)
    ):
        for pattern, long in _LONG:
            text = pattern.sub(long, text)
        text = re.sub(r"\bi\b", "I", text)
    return re.sub(r"\bcan not\b", "cannot", text)


def _unbracketed(text: str) -> str:
    """Take off brackets around the whole clause, and a bracket that lost its other half when the clause was cut."""
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    return text if text.count("(") == text.count(")") else text.replace("(", "").replace(")", "")


def read(plain: str) -> Statement | None:
    """Take apart a clause from `spoken_plainly`; None when its subject is neither the user nor somebody named."""
    aside = ""
    if moved := _ASIDE.match(plain):
        aside, plain = moved[1].strip(), plain[moved.end() :]
    if found := _SUBJECT.match(plain):
        who = Who.GROUP if (found["who"] or "").lower() == "we" or found["joint"] else Who.SELF
        return _taken_apart(who, found[0].strip(), plain[found.end() :], aside)
    if owned := _OWN.match(plain):
        return _with_noun(plain, owned.end(), aside)
    if not aside and (named := _NAME.match(plain)):
        return _taken_apart(Who.NAMED, named[1], plain[named.end() :], aside)
    return None


def _with_noun(plain: str, start: int, aside: str) -> Statement | None:
    """Find the verb behind "my …": the first word that is a verb in a form that fits, after at least one noun."""
    words = list(re.finditer(r"[^\s]+", plain[start:]))
    for place, word in enumerate(words[1:7], 1):
        bare = word[0].casefold().rstrip(",")
        if bare in {"who", "that", "which", "and", "or"} and bare != "and":
            return None
        form = FORMS.get(bare, ("", ""))[1]
        plural = words[place - 1][0].rstrip(",").endswith(("s", "children", "people", "kids")) and form == "base"
        if bare in MODALS or form in {"third", "past"} or plural or (bare in {"are"}):
            at = place
            while at > 1 and words[at - 1][0].casefold() in _ADVERBS:
                at -= 1
            noun = plain[: start + words[at - 1].end()].rstrip(",")
            return _taken_apart(Who.OWNED, noun, plain[start + words[at].start() :], aside)
    return None


def _taken_apart(who: Who, subject: str, predicate: str, aside: str) -> Statement | None:
    words = predicate.split(" ")
    first = 0
    while first < len(words) - 1 and words[first].casefold().strip(",") in _ADVERBS:
        first += 1
    adverbs = tuple(word.strip(",") for word in words[:first] if word.casefold().strip(",") not in _FILLERS)
    if first >= len(words):
        return None
    verb, after = words[first].casefold().strip(",;:"), words[first + 1 :]
    after = after[1:] if len(after) > 1 and after[0].casefold() in _FILLERS else after
    negated = bool(after) and after[0].casefold() == "not"
    main, form, obj = _main_verb(verb, after[1:] if negated else after)
    rest = " ".join(after[1:] if negated else after)
    return Statement(who, subject, adverbs, verb, negated, rest, aside, main, form, obj)


def _main_verb(verb: str, after: list[str]) -> tuple[str, str, str]:
    """Return base form, form and object of the verb with the meaning: "am still living in X" → live, ing, "in X"."""
    base, form = FORMS.get(verb, (verb, "other"))
    skip = 0
    while skip < len(after) - 1 and after[skip].casefold() in _ADVERBS:
        skip += 1
    carried = FORMS.get(after[skip].casefold().strip(",;:"), ("", "")) if after[skip:] else ("", "")
    helps = verb in MODALS or base == "do" or (base == "be" and carried[1] == "ing")
    perfect = base == "have" and carried[1] in {"past", "participle"}
    if carried[0] and ((helps and carried[1] in {"base", "ing"}) or perfect):
        if perfect and carried[0] == "be" and after[skip + 1 :]:
            inner = _main_verb("am", after[skip + 1 :])
            return inner[0], "perfect", inner[2]
        return carried[0], verb if verb in MODALS else "perfect" if perfect else carried[1], " ".join(after[skip + 1 :])
    return base, form, " ".join(after[skip:])


_FINITE: Final = {"am": "is", "are": "is", "have": "has", "do": "does", "were": "was"}
_OTHERS: Final = {
    "I": "they", "my": "their", "me": "them", "mine": "theirs", "myself": "themselves", "we": "they",
    "our": "their", "us": "them",
    "ours": "theirs", "ourselves": "themselves",
}  # fmt: skip
_PRONOUN = re.compile(
    r"\b(?:(I|we) (am|was)|([Aa]nd|but|or) am|(I|[Mm]y|me|[Mm]ine|[Mm]yself|[Ww]e|[Oo]ur|us|[Oo]urs|"
    r"[Oo]urselves))\b(?!')"
)
_JOINED_VERB = re.compile(
    r"\b(and|but|or|then) ((?:(?:\w+ly|also|never|always|often|usually|sometimes|only|still) )?)([a-z]+)(?= (?:an?|"
    r"the|my|our|at|in|for|as|on|"
    r"every|each|to|with|from|it|about|near|not|twice|once)\b| [0-9A-Z]|$)"
)
_STAYS_BASE = re.compile(r"\bto [a-z]+\b")
_SEVERAL_PARTS = re.compile(r",| (?:and|but|so|because|when) ")
_MARRIED = re.compile(r"^(?:married|engaged|divorced|separated)\b")


def rewritten(said: Statement) -> str:
    """Say the statement about the user, in third person, without the subject where that is the user alone."""
    joint = re.match(r"^(.+) and I$", said.subject)
    if joint and said.verb in {"are", "were"} and not said.negated and _MARRIED.match(said.rest):
        state, _, more = said.rest.partition(" ")
        return _finished(f"{'is' if said.verb == 'are' else 'was'} {state} to {joint[1]} {more}", said)
    if said.who in (Who.OWNED, Who.NAMED):
        subject = _OWN.sub("", said.subject)
        return _finished(
            " ".join([subject, *said.adverbs, said.verb, *(["not"] if said.negated else []), said.rest]), said
        )
    if said.who is Who.GROUP:
        subject = f"they and {_OWN.sub('their ', joint[1])}" if joint else "they"
        return _finished(
            " ".join([subject, *said.adverbs, said.verb, *(["not"] if said.negated else []), said.rest]), said
        )
    return _finished(
        " ".join([*said.adverbs, _finite(said), *(["not"] if said.negated else []), _agreeing(said)]), said
    )


def _finite(said: Statement) -> str:
    if said.verb in _FINITE:
        return _FINITE[said.verb]
    base, form = FORMS.get(said.verb, (said.verb, ""))
    return third(base) if form == "base" else said.verb


def _agreeing(said: Statement) -> str:
    """Give a second verb after "and" the same form as the first: "live in X and work at Y" → "… works at Y"."""
    present = said.verb in {"am", "have"} or FORMS.get(said.verb, ("", ""))[1] == "base"
    if not present or said.negated or said.verb in {"do", *MODALS}:
        return said.rest

    def agree(found: re.Match[str]) -> str:
        base, form = FORMS.get(found[3], ("", ""))
        if form != "base" or base == "be" or _STAYS_BASE.search(said.rest[: found.start()]):
            return found[0]
        return f"{found[1]} {found[2]}{third(base)}"

    return _JOINED_VERB.sub(agree, said.rest)


def _finished(words: str, said: Statement) -> str:
    aside = said.aside[:1].lower() + said.aside[1:] if _is_plain(said.aside) else said.aside
    # At the end it would belong to the last part only: "passed away and we miss her last week".
    text = f"{aside}, {words}" if aside and _SEVERAL_PARTS.search(words) else f"{words} {aside}"
    text = " ".join(_PRONOUN.sub(_other_person, text).split()).rstrip(" .!,;:")
    return text[:1].upper() + text[1:]


def _is_plain(aside: str) -> bool:
    """Say whether the aside's first word may lose its capital; asides never begin with names, only with acronyms."""
    return not aside[:2].isupper()


def _other_person(found: re.Match[str]) -> str:
    if found[1]:
        return "they are" if found[2] == "am" else "they were"
    if found[3]:
        return f"{found[3]} is"
    word = found[4]
    if word in _OTHERS:
        return _OTHERS[word]
    # A capital inside a sentence is a title's ("My Fair Lady"), at its start it is the sentence's own.
    return _OTHERS[word.lower()].capitalize() if found.start() == 0 else word
