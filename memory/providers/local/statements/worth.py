"""Says of a statement which kind of memory it is, or that it is none worth keeping a month later."""

from __future__ import annotations

import re
from typing import Final

from memory.providers.local.statements.deeds import CAN, DEEDS, EVENTS, SMALL_EVENT
from memory.providers.local.statements.kinds import (
    BE,
    DATED,
    DOING,
    DURABLE,
    HAVE,
    KIN,
    OFTEN,
    TRAIT,
    UP_TO_3,
    Kind,
    Rules,
)
from memory.providers.local.statements.lasting import by_default, of_task, of_thing
from memory.providers.local.statements.third_person import Statement, Who
from memory.providers.local.statements.verbs import FORMS, MODALS, words_of

_MOMENT = re.compile(
    r"\b(?:you|your|yours|yourself|u|ur|y'all|this (?!(?:year|summer|winter|spring|autumn|fall|"
    r"month)\b)\w+|that one|out here|these (?!days)\w+|those|right now|at the moment|just now|"
    r"see above|attached|"
    r"screenshot|let me know|talk soon|thank|thanks|sorry|lol|haha|wish|hopefully|guess|supposed|"
    r"imagine|pretend|hypothetically|in theory|no idea|not sure|for now|password|passcode|"
    r"since (?:we|they) (?:last )?(?:talked|spoke|chatted|met)|last (?:talked|spoke|chatted)|a ton|"
    r"a few$|to$|passphrase|pin|api key|secret key|access token|card number|cvv|iban|ssn|social security)\b|"
    r"\bwould .*\bif\b|\bif .*\bwould\b|\b(?:it|that|this|them|there)$",
    re.IGNORECASE,
)
_POINTS = re.compile(
    r"^(?:it|that|this|these|those|them|him|her|there|here|one|such|both)\b|^(?:to|in|at|with|"
    r"for|from|about|of|on) (?:it|that|this|these|those|them|him|her|there|one)\b(?! (?:year|summer|"
    r"winter|spring|month))",
    re.IGNORECASE,
)
_STATE = re.compile(
    r"^(?:(?:so|very|really|pretty|quite|too|all|a (?:bit|little)|super) )*(?:fine|great|good|"
    r"ok|okay|done|ready|broken|here|loading|wrong|right|over|late|back|angry|mad|sad|happy|excited|"
    r"proud|tired|busy|sick|ill|"
    r"asleep|sleeping|calling|waiting|coming|visiting|asking|complaining|being|awesome|amazing|"
    r"cute|lovely|beautiful|so|such|off|about|that|getting|doing|going well|insane|crazy|messy|"
    r"a mess)\b",
    re.I,
)
_KIN_WORD = re.compile(rf"\b{KIN}", re.IGNORECASE)
_TRAIT_WORD = re.compile(rf"\b{TRAIT}", re.IGNORECASE)
_MY_KIN = re.compile(rf"(?:my|our) (?:\w+ )?{KIN}", re.IGNORECASE)
_BODY = re.compile(
    r"\b(?:knees?|back|head|neck|shoulders?|hips?|wrists?|ankles?|feet|foot|hands?|teeth|tooth|stomach|ears?)$"
)
_THING_WORD = re.compile(
    r"\b(?:dog|cat|parrot|horse|rabbit|hamster|puppy|kitten|pet|car|bike|house|flat|apartment|"
    r"laptop|phone)s?(?:'s)?\b",
    re.IGNORECASE,
)
_FAVOURITE = re.compile(r"\bfavou?rite\b|\bpreferred\b|\bpreference\b", re.IGNORECASE)


def kind_of(said: Statement) -> Kind | None:
    """Return the kind of memory that a statement makes; None for what is of the moment, vague or about the listener."""
    whole = f"{said.subject} {said.rest} {said.aside}".rstrip()
    if said.main in {"hate", "love", "like", "enjoy"} and re.match(r"it when (?!you\b|this|that|it\b)\w+", said.object):
        return Kind.PREFERENCE
    if (_MOMENT.search(whole) and not said.subject.endswith("pronouns")) or _POINTS.match(said.object):
        return None
    if said.who is Who.OWNED:
        return _kind_of_owned(said) or by_default(said, whole)
    if said.who is Who.NAMED:
        return _kind_of_named(said)
    if said.who is Who.THING:
        return of_thing(said, whole)
    return _kind_of_own(said, whole) or by_default(said, whole)


def _kind_of_own(said: Statement, whole: str) -> Kind | None:
    telling = " ".join((*said.adverbs, said.object, said.aside)).strip()
    if said.main == "be":
        return _first(BE, said.object)
    if said.form == "ing":
        return _kind_of_doing(said, telling)
    if said.verb in MODALS:
        return _kind_of_modal(said, telling)
    if said.verb == "used" and said.rest.startswith("to "):
        return Kind.OTHER if len(said.rest.split()) > 2 else None
    if said.main == "have" and (kind := _first(HAVE, said.object)):
        return kind
    kind = _kind_of_deed(said, telling, whole)
    return _kind_of_doing(said, telling) if kind is None and " been " in f" {said.rest} " else kind


def _kind_of_deed(said: Statement, telling: str, whole: str) -> Kind | None:
    if said.negated and said.main == "eat" and said.object and said.form == "base":
        return Kind.CONSTRAINT
    past = said.form in {"past", "participle"} or said.verb == "did"
    rules = DEEDS.get(said.main, [])
    kind = _first(rules, said.object) or (_first(rules, telling) if OFTEN.search(telling) else None)
    if past and kind in (Kind.HABIT, Kind.PREFERENCE) and said.main not in {"quit", "stop", "start", "begin", "switch"}:
        kind = None
    if (
        kind is None
        and said.main in EVENTS
        and DATED.search(whole)
        and not SMALL_EVENT.search(said.object)
        and (past or said.form == "perfect")
    ):
        return Kind.RELATION if _MY_KIN.match(said.object) else Kind.OTHER
    return kind


def _kind_of_doing(said: Statement, telling: str) -> Kind | None:
    doing = f"{said.main} {telling if said.main == 'live' else said.object}"
    for kind, pattern in DOING.items():
        if pattern.match(doing):
            return kind
    return None


def _kind_of_modal(said: Statement, telling: str) -> Kind | None:
    deed = f"{said.main} {said.object}".strip()
    verb = "cannot" if said.verb in {"can", "could"} and said.negated else said.verb
    if verb == "can" and said.rest.startswith("only ") and re.search(r"\d|\b(?:on|after|before|in|at)\b", said.rest):
        return Kind.CONSTRAINT
    if verb in CAN:
        if not CAN[verb].match(deed):
            return None
        return (Kind.PREFERENCE if said.main == "stand" else Kind.CONSTRAINT) if verb != "can" else Kind.IDENTITY
    if said.verb == "would" and re.search(r"\bbe called [A-Z]", said.rest):
        return Kind.IDENTITY
    if said.verb == "would":
        rather = said.rest.startswith("rather ")
        wished = re.match(rf"(?:really |also )?(?:love|like) to {DURABLE}", said.rest)
        return Kind.PREFERENCE if rather and len(telling.split()) > 2 else Kind.PLAN if wished else None
    if said.verb in {"might", "may", "will", "shall"} and (
        (re.match(DURABLE, deed) and not re.match(r"\w+ (?:\w+ing|by|it|this|that|with)\b", deed))
        or DATED.search(telling)
    ):
        return Kind.PLAN if said.main != "see" else None
    return None


def _kind_of_owned(said: Statement) -> Kind | None:
    kin, trait = _KIN_WORD.search(said.subject), _TRAIT_WORD.search(said.subject)
    if kin and re.search(r"\bname$|best friend", said.subject):
        trait = None
    if said.main == "be" and not kin and not said.negated and _MEASURED.match(said.object):
        return _kind_of_trait(said)
    if said.main in {"hurt", "ache"} and _BODY.search(said.subject) and said.object:
        return Kind.HEALTH
    if kin and trait and "'s " in said.subject and not _FAVOURITE.search(said.subject):
        return Kind.RELATION if _kind_of_trait(said) else None
    if not (kin or trait) or (said.main == "be" and _STATE.match(said.object)):
        return None
    if _FAVOURITE.search(said.subject):
        return Kind.PREFERENCE if said.object else None
    if kin and not trait:
        return Kind.RELATION if _is_lasting(said) else None
    if said.main != "be" and not (
        said.main in DEEDS or said.main in {"cost", "end", "have", "go", "cut", "come", "mean", "change"}
    ):
        return None
    if _THING_WORD.search(said.subject) and not re.search(r"name", said.subject):
        return (
            Kind.POSSESSION
            if _is_lasting(said) or re.match(r"(?:an? |[A-Z]|called|named|in [A-Z])", said.object)
            else None
        )
    return _kind_of_trait(said)


_MEASURED = re.compile(r"(?:about |around |roughly )?[$€£]?\d[\d.,:]*\b(?! (?:minutes?|errors?|percent)\b)")


_SAID_BY_ANY_WORD = re.compile(r"(?:name|pronouns|language|tongue|religion|nationality|blood type)$")


def _kind_of_trait(said: Statement) -> Kind | None:
    if _SAID_BY_ANY_WORD.search(said.subject) and said.object:
        return next((kind for kind, words in _TRAITS.items() if words.search(said.subject)), Kind.OTHER)
    telling = re.search(r"\d|\b[A-Z]|\b(?:an?|in|at|on|near|by|from|to|with|gone|up)\b|^\w+$", said.object)
    if telling is None or (said.form == "ing" and not DATED.search(said.object)):
        return None
    for kind, words in _TRAITS.items():
        if words.search(said.subject):
            return kind
    return Kind.POSSESSION if _THING_WORD.search(said.subject) else Kind.OTHER


_TRAITS: Final = {
    Kind.POSSESSION: re.compile(
        r"(?i:(?:dog|cat|parrot|horse|rabbit|hamster|puppy|kitten|pet|tortoise|bird)'?s? name)"
    ),
    Kind.IDENTITY: re.compile(
        r"(?i:name\b|nickname|birthday|height|shoe|zone|nationality|religion|pronouns|background|language|tongue|"
        r"blood type|anniversary)"
    ),
    Kind.HEALTH: re.compile(
        r"(?i:allerg|surgery|weight|diet|dosage|eyesight|hearing|knee|back\b|asthma|migraine|blood pressure)"
    ),
    Kind.CONSTRAINT: re.compile(r"(?i:rent|salary|budget|mortgage|payment|deadline|lease|contract|visa|insurance)"),
    Kind.WORK: re.compile(
        r"(?i:job|office|shift|hours|degree|team|company|employer|commute|profession|role|major|thesis|"
        r"shop|business|studio)"
    ),
    Kind.PLACE: re.compile(r"(?i:home|address|hometown)"),
    Kind.PLAN: re.compile(r"(?i:wedding|flight|appointment|exam|goal|dream)"),
    Kind.HABIT: re.compile(r"(?i:habit|routine|hobb)"),
}


def _is_lasting(said: Statement) -> bool:
    """Say whether what somebody else is or does outlasts the moment."""
    if said.main == "be":
        return _first(BE, said.object) is not None or bool(
            re.match(r"(?:an? (?!(?:bit|little|lot)\b)\w+|[A-Z]\w+(?:$|,| and)|from |in [A-Z])", said.object)
        )
    if said.form == "ing":
        return _kind_of_doing(said, said.object) is not None
    if said.main == "have":
        return _first(HAVE, said.object) is not None
    kind = _first(DEEDS.get(said.main, []), said.object)
    if said.form == "past" and kind in (Kind.HABIT, Kind.PREFERENCE):
        return False
    return kind is not None or OFTEN.search(" ".join((*said.adverbs, said.object))) is not None


_NOT_NAMES: Final = frozenset(
    words_of(
        """
    The A An This That These Those It He She They You There Here What Who How Why Where When Which
    If But And So Or Then Also Just Not No Yes Work Life Running Everything Nothing Something
    Someone Everyone Everybody People Nobody One Some Most Many All Each Every Python Django Java
    Today Tomorrow Yesterday Monday Tuesday Wednesday Thursday Friday Saturday Sunday Food Music Art
    Nature Family Home School Redis Postgres Git Having Being Getting Going Doing Its His Her Their
    Your User Users Docker Linux Windows Google Apple
    """
    )
)
# What is only said of things that are somebody's own: "… is where I grew up", "… is the food I like least".
_DEFINING = re.compile(
    r"(?:is|are|was)(?: not)? (?:(?:where|when) I \w+|something I (?:never|always|often|like|love|hate|eat|drink|"
    r"do)\b|my (?:\w+ ){0,2}?favou?rite\b|the [\w' -]{2,30}? (?:that )?I (?:like|love|enjoy|hate|"
    r"dislike|use|trust|miss) (?:the )?(?:best|most|least))"
)
_OWN_NOUN = re.compile(
    r"(?:is|was) (?:not )?(?:the name of )?(?:my|our) (?:[\w'-]+ ){0,3}?[\w'-]{3,}(?:$|,| and | who | which | from |"
    r" at )"
)
_PERSONAL = re.compile(
    r"(?:loves|likes|hates|prefers|adores|dislikes) |(?:works|worked) (?:at|as|for|in)|(?:lives|lived) (?:in|"
    r"near|with|at)|(?:married|moved to|studies|studied|teaches|taught|smokes|swims|cycles|speaks|"
    r"plays)\b|"
    rf"runs (?:\d|every|marathons|a )|(?:is|was) (?:my {UP_TO_3}{KIN}|my (?:dog|cat|parrot|horse|"
    rf"pet)|the name of my|allergic|vegetarian|vegan|\d+ years old|(?:married|engaged) to|where I live|my favou?rite)|"
    rf"has (?:an?|two|three) {UP_TO_3}(?:{KIN}|dog|cat)|introduced me to"
)


def _kind_of_named(said: Statement) -> Kind | None:
    first = said.subject.split()[0]
    predicate = " ".join([said.verb, *(["not"] if said.negated else []), said.rest])
    if first in _NOT_NAMES or (FORMS.get(first.casefold(), ("", ""))[1] and not _DEFINING.match(predicate)):
        return None
    if _DEFINING.match(predicate):
        return Kind.PLACE if " where " in predicate else Kind.HABIT if " when " in predicate else Kind.PREFERENCE
    if _OWN_NOUN.match(predicate) and not of_task(predicate):
        return _kind_of_own_noun(predicate)
    if not _PERSONAL.match(predicate):
        return None
    for kind, pattern in _NAMED.items():
        if pattern.match(predicate):
            return kind
    return Kind.RELATION if said.main in {"be", "introduce"} or _is_lasting(said) else None


def _kind_of_own_noun(predicate: str) -> Kind:
    if _KIN_WORD.search(predicate):
        return Kind.RELATION
    return next((kind for kind, words in _TRAITS.items() if words.search(predicate)), Kind.POSSESSION)


_NAMED: Final = {Kind.PREFERENCE: re.compile(r"(?:is|was) my favou?rite"), Kind.PLACE: re.compile(r"is where I live")}


def _first(rules: Rules, text: str) -> Kind | None:
    return next((kind for kind, pattern in rules if pattern.match(text)), None)
