"""Folds the person in which a fact is told: "I'm in Leeds", "User is in Leeds" and "Is in Leeds" become one."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from memory.dedupe.normalise import normalise
from memory.dedupe.reading.stems import VERBS
from memory.providers.local.statements.verbs import FORMS, MODALS, words_of

_COMMA = re.compile(r"(?:,|[.!?](?= [A-Z])|\u2014|\s-|;)\s+")
_USER = re.compile(r"\b(?:the )?user (?=s\b)|^(?:the )?user\b")
_MINE = re.compile(r"\b(?:my|our|their|user s|self s|mine|ours|theirs)\b(?: own\b)?")
_SELF = re.compile(r"\b(?:i|me|we|us|myself|ourselves|themselves|they and|they|them)\b")
_OPENING = re.compile(
    r"^(?:well|actually|honestly|currently|at the moment|right now|nowadays|these days|by now|as of now|personally|"
    r"fyi|btw|by the way|to be honest|in fact|for the record|just so you know|remember that|note that|so|and|but|also|"
    r"officially|basically|as you know|yes|no|ok|okay|hey|hi) (?:, )?(?=self\b|my\b|the\b|there\b)"
)
_ISO = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_IS: Final = frozenset(
    frozenset(
        words_of(
            """
    am is are was were be been being s
    """
        )
    )
)
_GENITIVE = re.compile(r"\b(\w+) s (?=(?:an?|the|not|called|named|allergic|from|in|at|my|married|now|\d)\b)")
_WRITTEN_TOGETHER: Final = (
    (re.compile(r"\b(?:im|i m)\b"), "i am"),
    (re.compile(r"\b(?:ive|i ve)\b"), "i have"),
    (re.compile(r"\b(do|does|did|is|was|are|has|have|wo|ca|could|would|should)nt\b"), r"\1 not"),
    (re.compile(r"\bi d\b"), "i would"),
    (re.compile(r"\b(?:wanna)\b"), "want to"),
    (re.compile(r"\b(?:gonna)\b"), "going to"),
    (re.compile(r"\bmum\b|\bmom\b"), "mother"),
    (re.compile(r"\bdad\b"), "father"),
    (re.compile(r"\bnot any longer\b|\bany longer\b"), "anymore"),
    (re.compile(r"\b(ex) (wife|husband|boyfriend|girlfriend|partner|boss)\b"), r"\1-\2"),
    (re.compile(r"\b(left|right) handed\b"), r"\1-handed"),
    (re.compile(r"\b(full|part) time\b"), r"\1-time"),
    (re.compile(r"\b(?:mother tongue|native tongue|first language|native language)\b"), "mothertongue"),
    (re.compile(r"\b(mother|father|sister|brother) in law\b"), r"\1-in-law"),
    (re.compile(r"\bcell ?phone\b|\bmobile phone\b|\bsmart ?phone\b"), "phone"),
    (re.compile(r"\btime ?zone\b"), "timezone"),
    (re.compile(r"\bself employed\b"), "freelance"),
    (re.compile(r"\b(?:at|from) (?:the )?(?:very )?(?:most|max)\b"), "most"),
)  # fmt: skip

# One look for all of them, since hardly any fact has one.
_ANY_WRITTEN_TOGETHER: Final = re.compile("|".join(pattern.pattern for pattern, _ in _WRITTEN_TOGETHER))


def folded(text: str) -> str:
    """Return the normalised text with `self` for the user, `my` for theirs, and `self` where the subject is missing."""
    words = " , ".join(filter(None, (normalise(part) for part in _COMMA.split(text))))
    if _ANY_WRITTEN_TOGETHER.search(words):
        for pattern, instead in _WRITTEN_TOGETHER:
            words = pattern.sub(instead, words)
    words = _USER.sub("self ", _ISO.sub(_told, words))
    words = _MINE.sub("my", words)
    words = _SELF.sub("self", words)
    words = _GENITIVE.sub(r"\1 is ", words)
    if opening := _OPENING.match(words):
        words = words[opening.end() :]
    words = " ".join("be" if word in _IS and word != "s" else word for word in words.split())
    return _finite(_with_subject(words))


def _with_subject(words: str) -> str:
    """Put `self` in front of a fact that begins with its verb, as the extractor writes facts about the user."""
    for word in words.split()[:4]:
        if word in _ADVERBS:
            continue
        form = FORMS.get(word, ("", ""))[1]
        begins = form in {"third", "past", "ing"} or word in _BEGINNINGS or _is_done(word, words)
        return f"self {words}" if begins and not _is_noun(word, words) else words
    return words


def _is_done(word: str, words: str) -> bool:
    """Say whether a fact begins with a verb of what people do: "Cancelled their trip" (not: "Tests run at night")."""
    if word not in VERBS or not word.endswith(("s", "ed")):
        return False
    after = words.partition(f"{word} ")[2].split(" ")[0]
    return (
        bool(after)
        and after not in VERBS
        and FORMS.get(after, ("", ""))[1] not in {"base", "past"}
        and after not in _IS
    )


def _told(found: re.Match[str]) -> str:
    """Write a date out as people tell it, with its weekday; what is no date stays."""
    try:
        day = date.fromisoformat(found[0])
    except ValueError:
        return found[0]
    return f"{day:%A %B} {day.day} {day.year}".casefold()


def _finite(words: str) -> str:
    """Give the user's first verb its base form: "self pays" → "self pay"."""
    spoken = words.split()
    if "self" not in spoken[:3]:
        return words
    for place in range(spoken.index("self") + 1, min(len(spoken), spoken.index("self") + 4)):
        base, form = FORMS.get(spoken[place], ("", ""))
        if form == "third" or spoken[place] == "has":
            spoken[place] = base or "have"
        if form:
            return " ".join(spoken)
        if spoken[place] not in _ADVERBS:
            return " ".join(_without_s(word) if at == place else word for at, word in enumerate(spoken))
    return words


def _without_s(word: str) -> str:
    return word[:-1] if word.endswith("s") and word[:-1] in VERBS else word


def _is_noun(word: str, words: str) -> bool:
    """Say whether a word in the form of a verb begins a noun: "painting is …", "runs cost …"."""
    if word == "has" or not word.endswith(("ing", "s")):
        return False
    _, _, after = words.partition(f"{word} ")
    first = after.split(" ")[0]
    return first == "be" or (first in _IS)


_ADVERBS: Final = frozenset(
    words_of(
        """
    always never usually often sometimes rarely seldom hardly really still currently now no longer just
    mostly mainly generally normally also recently already absolutely definitely regularly truly secretly
    deeply strongly probably frequently occasionally severely not
    """
    )
)
_BEGINNINGS: Final = (
    frozenset(
        words_of(
            """
    be has have had does did do cannot get gets got used resides uses owns subscribes deploys codes weighs
    suffers goes speaks brews bakes hires borrows lends borrowed lent hired told tells asks knows teaches
    learns studies believes writes wakes rises wears carries sings plays prefers switched migrated
    identifies stutters collects
    """
        )
    )
    | MODALS
) - {"will", "may", "can"}
