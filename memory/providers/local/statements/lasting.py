"""Says what is worth keeping where no list knows the words: what outlasts the day, of something in particular."""

from __future__ import annotations

import re
from typing import Final

from memory.providers.local.statements.kinds import BE, DATED, DAYS, HAVE, KIN, MEDICINE, MONEY, MONTH, OFTEN, Kind
from memory.providers.local.statements.third_person import Statement, Who
from memory.providers.local.statements.verbs import MODALS, inflected, words_of

# What people do in a chat and to the task at hand, and what goes through their heads: gone within the hour.
_FLEETING_BASES: Final = words_of(
    """
    be have do get go come let know think mean guess suppose assume expect see understand realize realise imagine wonder
    remember forget notice feel sound seem look appear agree disagree doubt hope wish need want appreciate thank
    apologize
    apologise apologies say tell ask answer reply respond mention explain describe clarify specify rephrase repeat mean
    send post paste copy type click press enter select scroll upload download attach share submit try retry test check
    verify confirm debug fix update install uninstall upgrade delete remove add append insert change modify edit convert
    import export print return compile execute call define declare initialize implement create make generate give put
    set show find search wait start stop begin finish keep continue follow read hear listen watch handle pass include
    use require receive run close save load happen end show explain consider compare refer suggest recommend learn
    understand figure care mind bet swear promise mess screw encounter face hit reach raise throw catch match replace
    """
)
# Unlisted verbs are known only by the form in which they are said.
_FLEETING: Final = frozenset((*_FLEETING_BASES, *(form for base in _FLEETING_BASES for form in inflected(base))))
# With a name, a number or a date they are events: "I saw Radiohead in 2019" is remembered, "I saw the error" not.
_EVENTFUL: Final = frozenset(
    words_of(
        """see go get make give start stop finish end begin change find create receive reach read learn come win"""
    )
)
_NAMED_OR_DATED = re.compile(rf"\d|(?<=[\s(])[A-Z][\w-]+|{DATED.pattern}")
_BARE_PLURAL = re.compile(r"(?:[a-z-]+ )?[a-z]{2,}[^s\W]s$")
_STILL_A_HABIT: Final = frozenset(words_of("""read watch make keep follow share generate"""))
_TASK = re.compile(
    r"\b(?:code|codebase|functions?|scripts?|errors?|exceptions?|warnings?|bugs?|issues?|problems?|questions?|answers?|"
    r"examples?|files?|folders?|lines?|tests?|outputs?|inputs?|quer(?:y|ies)|messages?|prompts?|texts?|lists?|tables?|"
    r"arrays?|strings?|variables?|class|classes|methods?|loops?|pages?|buttons?|api|apis|requests?|responses?|results?|"
    r"commands?|terminal|console|repo|repository|branch|commits?|images?|screenshots?|links?|urls?|documents?|data|"
    r"dataset|dataframe|model|steps?|points?|ideas?|things?|way|ways|bit|options?|choices?|sentences?|paragraphs?|"
    r"words?|"
    r"drafts?|templates?|columns?|rows?|index|null|none|json|html|css|regex|stack|thread|chat|conversation|feeling|"
    r"sense|"
    r"mistake|typo|look|go|minute|minutes|moment|second|seconds|chance|doubt|clue|plan b|reason|example|version|syntax|"
    r"library|module|package|import|parameter|argument|object|field|form|screen|cursor|cell|formula|"
    r"assignment|homework|exercise|approach|solution|logic|algorithm|implementation|program|project is|guess|point|"
    r"understanding|concern|apologies|bad|fault|day|weather|movie|film|show|song|story|news)\b",
    re.IGNORECASE,
)
_SPECIFIC = re.compile(
    rf"\d|(?<=[\s(])[A-Z][\w-]+|\b(?:called|named)\b|\b{DAYS}\b|\b(?:a|one|two|three|four|five|six|seven|eight|nine|"
    rf"ten|"
    rf"eleven|twelve) (?:dozen|hundred|thousand|years?|months?)\b|\b(?:my|our) \w{{3,}}|{KIN}|\b(?:noon|midnight)\b"
)
_MAKING = re.compile(
    r"(?:write|build|design|develop|paint|record|restore|renovate|compose|direct|produce|publish|organi[sz]e|sew|"
    r"knit|brew) "
    r"(?:an?|my|our|two|three) (?!quick|short|simple|small)\w+"
)
_MADE = re.compile(
    r"(?:wrote|built|designed|painted|recorded|composed|directed|produced|published|restored|renovated)$"
)
_MANY: Final = (
    r"(?:no|\d[\d.,]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|a dozen|"
    r"a couple of|several|"
    r"both|a hundred|a pair of) "
)
_COUNTED = re.compile(
    rf"{_MANY}(?!more\b|less\b|of\b|idea|other|prob|worr|(?:year|month|week|day|hour|minute|second|time)s?\b|clue|"
    rf"reason)[\w'-]{{3,}}",
    re.IGNORECASE,
)
_OWNS = re.compile(r"(?:an?|my|our) [\w'-]+(?: [\w'-]+){0,4}$|.*\b(?:called|named)\b|.*(?<= )[A-Z]\w+", re.DOTALL)
_ABSTRACT = re.compile(
    r"(?:an? |my |no )?(?:[\w-]+ ){0,2}?(?:good|great|nice|fun|hard|rough|tough|bad|awesome|wonderful|lovely|busy|long|"
    r"headache|cold|fever|lot|ton|few|bunch|kind|sort|hunch|crush|blast|ball|laugh|cry|nap|shower|drink|beer|coffee|"
    r"chat|"
    r"talk|call|meeting|time|life|request|favou?r|hope|fear|wish|dream|preference|opinion|thought|hard time|trouble|"
    r"difficulty|difficulties|luck|plan|plans|decision|week|weekend|night|morning|evening|hours?|couple)\b",
    re.IGNORECASE,
)
_IS_A = re.compile(
    r"an? (?!(?:bit|little|lot|few|mess|wreck|fan|big|huge|beginner in this|sucker|tad|fool|idiot|million|hundred|"
    r"second)\b)"
    r"[\w'-]+(?: [\w'-]+){0,3}$"
)
_AT_PLACE = re.compile(
    r"(?:back |now |still |currently |over |out )*(?:in|near|from|outside) (?:the )?[A-Z]\w+|back home\b"
)
_HIRED = re.compile(
    r"(?:hired|employed|fired|laid off|promoted|recruited|transferred|elected|appointed|made redundant)\b"
)
_DONE_TO = re.compile(
    r"(?P<deed>(?!(?:confused|surprised|annoyed|bored|tired|excited|interested|worried|told|asked|supposed|gonna|stuck|"
    r"lost|done|used|able|impressed|disappointed)\b)(?:\w+ed|born|brought|taught|given|hit|bitten|sent|built|made)) .*"
)
_VALUE = re.compile(
    rf"(?:called|named|based|located|enabled|disabled|open|closed|due|hosted|made of|allergic|\w+ed by|[$€£]?\d|"
    rf"(?:on|off)$|(?:at|on|in|by|from|near|above|below|until|before|after) .*(?:\d|[A-Z]|{DAYS}|noon|midnight)|"
    rf"tomorrow|the day after|(?:next|this) \w+|(?:an? )?[A-Z]\w+|(?:an?|the) (?:[\w-]+ )*[A-Z]\w+)|.*(?:{MONTH})",
)
# A code that opens something, not the one being written.
_CODE = re.compile(
    r"the (?!(?:status|exit|error|return|response|source|machine)\b)[\w -]+ code is [\w-]*\d", re.IGNORECASE
)
_UNNAMED = re.compile(r"\b(?:ones?|rest|same|others?|latter|former|total|number|amount|difference)$")
# "The capital of France", "the Eiffel Tower": what is so for everybody.
_OF_THE_WORLD = re.compile(r"[Tt]he (?:.* of |(?:[A-Z][\w'-]+ ?)+$)")
_STANDS: Final = frozenset(
    words_of(
        """
    run listen use live sit cost open close expire start end begin finish store hold contain belong lie stand weigh last
    take connect accept support require depend serve leave arrive depart serve rest consist exist meet have own speak
    drive ride eat drink wear work sleep teach study play
    """
    )
)
_DECIDED: Final = frozenset(
    words_of(
        """agree refuse accept decline approve reject allow forbid promise cancel sign raise cut hire fire confirm"""
    )
)


def of_task(text: str) -> bool:
    """Whether the text is about what is worked on in the chat."""
    return _TASK.search(text) is not None


def by_default(said: Statement, whole: str) -> Kind | None:
    """Return a kind for a statement about the user or somebody of theirs, None for what is vague or of the moment."""
    if said.who is Who.OWNED:
        return None if _TASK.search(said.subject) else _of_owned(said)
    if said.main == "get" and any(kind is Kind.HEALTH and pattern.match(said.object) for kind, pattern in HAVE):
        return Kind.HEALTH
    if _TASK.search(whole):
        return None
    if said.verb in MODALS or said.verb == "used":
        return None
    if said.main == "be" or said.main == "become":
        return _being(said)
    if said.main == "have" and said.form in {"base", "third"}:
        return _having(said)
    if said.form == "ing":
        return _doing(said)
    return _did(said) if said.form in {"past", "participle", "perfect"} or said.verb == "did" else _does(said)


def _being(said: Statement) -> Kind | None:
    if said.main == "become":
        return next((kind for kind, pattern in BE if pattern.match(said.object)), None)
    if _AT_PLACE.match(said.object):
        return Kind.PLACE
    if re.match(r"no longer (?:at|with) [A-Z]", said.rest) or (
        said.form == "past" and re.match(r"(?:in|at|with) .* for \w+ (?:years|months|decades)", said.object)
    ):
        return Kind.WORK
    if _IS_A.match(said.object) and said.form != "past":
        return Kind.IDENTITY
    if re.fullmatch(r"[A-Z][a-z]+(?: [A-Z][a-z]+)?", said.object) and not said.negated:
        return Kind.IDENTITY
    if _HIRED.match(said.object):
        return Kind.WORK
    done = _DONE_TO.match(said.object)
    if done and said.form in {"past", "perfect"} and _SPECIFIC.search(said.object):
        return Kind.RELATION if done["deed"] in {"introduced", "brought"} else Kind.OTHER
    return None


def _having(said: Statement) -> Kind | None:
    if OFTEN.search(said.object) and _SPECIFIC.search(f" {said.object}"):
        return Kind.HABIT
    if re.match(rf"to (?:take|use|inject) .*{MEDICINE}", said.object):
        return Kind.HEALTH
    if _ABSTRACT.match(said.object) or said.object.endswith((" open", " left")):
        return None
    return Kind.POSSESSION if _COUNTED.match(said.object) or _OWNS.match(said.object) else None


def _doing(said: Statement) -> Kind | None:
    if _MAKING.match(f"{said.main} {said.object}"):
        return Kind.WORK
    if said.main == "stay" and _AT_PLACE.match(said.object):
        return Kind.PLACE
    if (
        said.main in _FLEETING
        or not _SPECIFIC.search(said.object)
        or re.match(r"write to ", f"{said.main} {said.object}")
    ):
        return None
    return Kind.PLAN if DATED.search(said.object) else Kind.HABIT


def _did(said: Statement) -> Kind | None:
    told = f"{said.object} {said.aside}"
    if said.main in _FLEETING and not (said.main in _EVENTFUL and _NAMED_OR_DATED.search(f" {told}")):
        return None
    if _MADE.match(said.verb) and re.match(r"(?:an?|my|our) \w+", said.object):
        return Kind.WORK
    if said.negated or not _SPECIFIC.search(f" {told}"):
        return None
    if said.main in {"leave", "finish", "accept", "decline", "complete", "pass", "fail"} and not DATED.search(told):
        return Kind.WORK
    return Kind.RELATION if re.search(rf"\b(?:my|our) (?:\w+ )?{KIN}", told) else Kind.OTHER


def _does(said: Statement) -> Kind | None:
    if said.main in _FLEETING and not (said.main in _STILL_A_HABIT and _BARE_PLURAL.fullmatch(said.object)):
        return None
    if not said.verb.isalpha() or (len(said.object) < 3 and not OFTEN.search(" ".join(said.adverbs))):
        return None
    return Kind.PREFERENCE if said.main in {"worry", "fear", "admire", "trust", "miss", "believe"} else Kind.HABIT


def _of_owned(said: Statement) -> Kind | None:
    is_kin = re.search(rf"\b{KIN}", said.subject, re.IGNORECASE) is not None
    of_kin = Kind.RELATION if is_kin else None
    if said.main == "be":
        if said.form == "past" or not said.object:
            return None
        if is_kin and said.subject.endswith(" name"):
            return of_kin
        worth = _VALUE.match(said.object) or (is_kin and (_IS_A.match(said.object) or re.match(r"\d", said.object)))
        return (of_kin or _of_what(said)) if worth else None
    if said.form in {"third", "base"} and said.verb not in MODALS:
        if is_kin:
            return of_kin if said.main not in _FLEETING - {"run", "use", "go", "keep", "make"} and said.object else None
        return _of_what(said) if said.main in _STANDS and _SPECIFIC.search(f" {said.object}") else None
    if said.form == "ing" and DATED.search(said.object):
        return Kind.PLAN
    if said.form in {"past", "perfect"} and is_kin:
        kept = said.main in _DECIDED or (said.main not in _FLEETING and _SPECIFIC.search(f" {said.object}"))
        return of_kin if kept else None
    return None


_WHAT: Final = {
    Kind.WORK: re.compile(r"(?i)\b(?:office|team|company|firm|boss|manager|job|shift|commute|school|university|lab)\b"),
    Kind.PLAN: re.compile(r"(?i)\b(?:flight|train|appointment|exam|interview|wedding|trip|holiday|vacation|move)\b"),
    Kind.CONSTRAINT: re.compile(
        r"(?i)\b(?:visa|contract|lease|deadline|budget|rent|licen[sc]e|permit|insurance|passport)\b"
    ),
    Kind.POSSESSION: re.compile(
        r"(?i)\b(?:laptop|phone|computer|server|pc|tablet|kindle|printer|camera|watch|car|bike|house|flat|apartment|"
        r"dog|cat|"
        r"horse|parrot|guitar|piano|boat|garden|tv|router|machine|oven|fridge|nas)\b"
    ),
}


def _of_what(said: Statement) -> Kind:
    return next((kind for kind, words in _WHAT.items() if words.search(said.subject)), Kind.OTHER)


def of_thing(said: Statement, whole: str) -> Kind | None:
    """Return a kind for a statement about a thing, None where it says nothing lasting about it in particular."""
    if liked := re.search(r"\bI (\w+)", said.subject):
        return Kind.PREFERENCE if liked[1] not in {"use", "drive"} else _of_what(said)
    if re.match(r"(?:(?:not )?\w+ )?(?:me|us|my)\b", said.rest):
        return _to_me(said)
    if _UNNAMED.search(said.subject):
        return None
    if (_TASK.search(said.subject) and not _CODE.match(f"{said.subject} {said.verb} {said.object}")) or said.form in {
        "past",
        "perfect",
    }:
        return None
    if said.verb in MODALS:
        return Kind.CONSTRAINT if said.verb == "must" and said.main != "have" else None
    if said.main == "be":
        return _of_what(said) if _VALUE.match(said.object) and not _OF_THE_WORLD.match(said.subject) else None
    telling = " ".join((*said.adverbs, said.object))
    lasts = said.main in _STANDS and (_SPECIFIC.search(f" {said.object}") or OFTEN.search(telling))
    return _of_what(said) if lasts else None


_FELT: Final = frozenset(
    words_of(
        """
    scare scares bore bores annoy annoys calm calms relax relaxes disgust disgusts bother bothers stress
    stresses
    """
    )
)


def _to_me(said: Statement) -> Kind | None:
    _, _, rest = said.rest.partition(" ")
    if any(kind is Kind.HEALTH and pattern.match(rest) for kind, pattern in HAVE) or "reaction" in rest:
        return Kind.HEALTH
    if re.match(MONEY, rest):
        return Kind.CONSTRAINT
    if said.main in _FELT:
        return Kind.PREFERENCE if said.form != "past" else None
    return None if said.form in {"past", "perfect"} or not rest else Kind.OTHER
