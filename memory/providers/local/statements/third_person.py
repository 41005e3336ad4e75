"""Reads who does what in a clause, and says it again about the user: "I don't eat meat" → "Does not eat meat"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from memory.providers.local.statements.kinds import KIN
from memory.providers.local.statements.verbs import FORMS, MODALS, UNCHANGED, form_of, third, words_of

_ADVERBS: Final = frozenset(
    words_of(
        """
    also always once usually often never really just still now currently only mostly mainly sometimes
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

_ASIDE = re.compile(
    r"^((?:(?:when|while|whenever|as an?|before|after|until|since|every time|because of|given)\b[^,;]{1,70}(?=,)|"
    r"(?:these days|nowadays|currently|lately|recently|as an? [\w-]+(?: [\w-]+)?|"
    r"in (?:my|our) (?:free|spare) time|at my (?:age|work|job)|in (?:my|our) (?:family|house|team|office)|"
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
_CAPITAL: Final = r"[^\W\d_a-zß-öø-ÿ][\w'\u2019-]+"
_NAME = re.compile(rf"^({_CAPITAL}(?: {_CAPITAL})?)\s+(?=[a-z])")
_NAMES_KIN = re.compile(rf"^({_CAPITAL}'s (?:[a-z-]+ )?{KIN}) (?=[a-z])")
# Whoever types no capitals names people by what only names can be: "ana is my sister".
_DEFINED = re.compile(
    r"^(?!(?:it|this|that|these|those|he|she|they|you|there|here|what|who|where|which|how|everything|nothing|"
    r"something|one|and|"
    r"but|so|or|the|his|her|your|all|not)\b)([\w'\u2019-]+(?: [\w'\u2019-]+)?) (?=(?:is|are|was) (?:not )?(?:my |"
    r"our |(?:where|when) I |something I |the "
    r"[\w'-]+ (?:that )?I )|introduced me to )",
    re.IGNORECASE,
)
_THING = re.compile(r"^the (?=[\w'-]+ )", re.IGNORECASE)
_NUMBERED = re.compile(r"^((?:[A-Z][a-z]+|port|room|gate|platform|floor|apartment|flat|seat) \d+)\s+(?=[a-z])")
_LIKED_BEST = re.compile(
    r"^(the [\w' -]{2,40}? (?:that )?I (?:like|love|enjoy|hate|dislike|use|drink|eat|trust|miss) (?:the )?(?:best|"
    r"most|least|"
    r"more than any other))\s+(?=(?:is|are|was)\b)",
    re.IGNORECASE,
)
# What does something to the user: "cats give me asthma".
_DOES_TO_ME = re.compile(
    r"^(?!(?:it|this|that|these|those|you|your|he|she|they|his|her|their|its|what|which|who|there|everything|nothing|"
    r"something|anything|please|just|and|but|so|or|because|when|if|since|as|the (?:pic|photo|picture|video|colou?rs)|"
    r"can|could|would|will|do|does|did|let|to|the (?:code|error|script|test|compiler|answer))\b)"
    r"(?P<what>(?:[\w'-]+ ){0,4}?[\w'-]+) "
    r"(?=(?:(?:always|often|usually|sometimes|never|really) )?(?:(?:do|does|did) (?:not )?)?(?:gives?|"
    r"makes?|costs?|"
    r"causes?|keeps?|helps?|scares?|bores?|annoys?|relaxes|relax|calms?|irritates?|reminds?|disgusts?|terrif(?:y|ies)|"
    r"gave|made|cost|caused|taught|hurts?|stress(?:es)?|bothers?|suits?) (?:me|us|my)\b)",
    re.IGNORECASE,
)


class Who(StrEnum):
    """Whom a statement is about: the user, the user with others, somebody or something of theirs, somebody named.

    Or a thing that is neither theirs nor named, but told about: "the garage code", "cats" that make them cough.
    """

    SELF = "self"
    GROUP = "group"
    OWNED = "owned"
    NAMED = "named"
    THING = "thing"


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


def read(plain: str) -> Statement | None:
    """Take apart a clause from `spoken_plainly`; None when its subject is neither the user nor somebody named."""
    aside = ""
    if moved := _ASIDE.match(plain):
        aside, plain = moved[1].strip(), plain[moved.end() :]
    if found := _SUBJECT.match(plain):
        who = Who.GROUP if (found["who"] or "").lower() == "we" or found["joint"] else Who.SELF
        return _taken_apart(who, found[0].strip(), plain[found.end() :], aside)
    if owned := _OWN.match(plain):
        return _with_noun(Who.OWNED, plain, owned.end(), aside)
    return None if aside else _of_others(plain)


def _of_others(plain: str) -> Statement | None:
    """Take apart a clause about somebody named, or about a thing."""
    for pattern in (_LIKED_BEST, _DOES_TO_ME, _NUMBERED):
        if found := pattern.match(plain):
            return _taken_apart(Who.THING, found[1], plain[found.end() :], "")
    if found := _THING.match(plain):
        return _with_noun(Who.THING, plain, found.end(), "")
    if found := _NAMES_KIN.match(plain):
        return _taken_apart(Who.OWNED, found[1], plain[found.end() :], "")
    found = _NAME.match(plain) or _DEFINED.match(plain)
    return _taken_apart(Who.NAMED, found[1], plain[found.end() :], "") if found else None


def _with_noun(who: Who, plain: str, start: int, aside: str) -> Statement | None:
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
            return _taken_apart(who, noun, plain[start + words[at].start() :], aside)
    return None


def _taken_apart(who: Who, subject: str, predicate: str, aside: str) -> Statement | None:
    words = predicate.split(" ")
    first = 0
    while first < len(words) - 1 and _is_adverb(words, first):
        first += 1
    adverbs = tuple(word.strip(",") for word in words[:first] if word.casefold().strip(",") not in _FILLERS)
    if first >= len(words):
        return None
    verb, after = words[first].casefold().strip(",;:"), words[first + 1 :]
    after = after[1:] if len(after) > 1 and after[0].casefold() in _FILLERS else after
    negated = bool(after) and after[0].casefold() == "not"
    after = after[1:] if negated else after
    if verb in {"do", "does"} and not negated and after[1:] and FORMS.get(after[0].casefold(), ("", ""))[1] == "base":
        # "I do love" stresses, no more
        verb, after = third(after[0].casefold()) if verb == "does" else after[0].casefold(), after[1:]
    main, form, obj = _main_verb(verb, after, negated=negated)
    rest = " ".join(after)
    return Statement(who, subject, adverbs, verb, negated, rest, aside, main, form, obj)


def _is_adverb(words: list[str], at: int) -> bool:
    word = words[at].casefold().strip(",")
    if len(word) > 4 and word.endswith("ly") and word not in FORMS:
        return True
    return word in _ADVERBS and (word != "no" or words[at + 1].casefold() == "longer")


def _main_verb(verb: str, after: list[str], *, negated: bool = False) -> tuple[str, str, str]:
    """Return base form, form and object of the verb with the meaning: "am still living in X" → live, ing, "in X"."""
    base, form = form_of(verb) if verb not in MODALS else (verb, "other")
    skip = 0
    while skip < len(after) - 1 and _is_adverb(after, skip):
        skip += 1
    word = after[skip].casefold().strip(",;:") if after[skip:] else ""
    # after "will" or "don't", and after "am" before -ing, there must be a verb, listed or not
    must_be = bool(word) and (verb in MODALS or (base == "do" and negated) or (verb == "am" and word.endswith("ing")))
    carried = form_of(word) if must_be else FORMS.get(word, ("", ""))
    helps = verb in MODALS or base == "do" or (base == "be" and carried[1] == "ing")
    perfect = base == "have" and (carried[1] in {"past", "participle"} or word in UNCHANGED)
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
    if said.who in (Who.OWNED, Who.NAMED, Who.THING):
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
    base, form = ("", "") if said.verb in {*MODALS, "used"} else form_of(said.verb)
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
