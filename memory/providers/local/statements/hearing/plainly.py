"""Says a clause plainly: without openers and contractions, with the subject that it left out, in the usual order."""

from __future__ import annotations

import re
from typing import Final

from memory.providers.local.statements.kinds import KIN, THING
from memory.providers.local.statements.verbs import FORMS

# What a clause must have in it, the pattern, and what is said in full; the first is what makes the rest fast.
_LONG: Final = [
    (mark, re.compile(pattern, re.IGNORECASE), long)
    for mark, pattern, long in [
        ("m", r"\bI'?m\b(?!-)", "I am"),
        ("'ve", r"\b(I|we|you|they)'ve\b", r"\1 have"),
        ("ive", r"\bIve\b", "I have"),
        ("'re", r"\b(we|they|you)'re\b", r"\1 are"),
        ("'ll", r"\b(\w+)'ll\b", r"\1 will"),
        ("won't", r"\bwon't\b", "will not"),
        ("can", r"\bcan(?:'?t| not)\b", "cannot"),
        ("shan't", r"\bshan't\b", "shall not"),
        ("ain't", r"\bain't\b", "am not"),
        ("nt", r"\b(do|does|did|is|was|are|were|has|have|had|would|could|should)nt\b", r"\1 not"),
        ("n't", r"\b(\w+)n't\b", r"\1 not"),
        ("'d", r"\b(I|we)'d (?=(?:\w+ )?(?:been|had|gone|lived|worked)\b)", r"\1 had "),
        ("'d", r"\b(I|we|you|they|he|she)'d\b", r"\1 would"),
        ("id", r"\bId (?=rather|like|love|prefer)", "I would "),
        ("'s", r"\b(he|she|it|that|there|who)'s (?=got\b|been\b|had\b)", r"\1 has "),
        ("'s", r"\b(he|she|it|that|there|who|what)'s\b", r"\1 is"),
        (
            "'s",
            r"\b(\w+)'s (?=(?:an?|not|allergic|vegetarian|vegan|from|called|named|based|pregnant|married|retired|"
            r"turning)\b)",
            r"\1 is ",
        ),
        ("have got", r"\b(I|we) have got\b", r"\1 have"),
        ("has got", r"\bhas got\b", "has"),
        ("gonna", r"\bgonna\b", "going to"),
        ("wanna", r"\bwanna\b", "want to"),
        ("gotta", r"\bgotta\b", "have to"),
        ("anymore", r"\b(do|does|did) not anymore\b", r"\1 not any more"),
    ]
]
_SHORT = re.compile(
    r"\b(?:im|ive|id|cant|wont|gonna|wanna|gotta|(?:do|does|did|is|was|are|has|have)nt)\b", re.IGNORECASE
)
_MINE: Final = r"(?=(?:I|I['\u2019]?m|I['\u2019]?ve|I['\u2019](?:d|ll)|my|we|we['\u2019](?:re|ve|ll)|our)\b)"
_CHATTER = re.compile(
    rf"^(?:(?:haha\w*|yeah|yes|so|anyway|lol|omg|ugh|well|ok(?:ay)?|oh|hey|hi|um+|no|and|but|also|like|hmm+|right|"
    rf"ah)[,!.…]*\s+)"
    rf"{{1,6}}{_MINE}",
    re.IGNORECASE,
)
_OPENER = re.compile(
    r"^(?:(?:well|actually|oh|ah|um+|uh+|hm+|so|and|but|also|anyway|honestly|basically|fyi|btw|"
    r"yes|yeah|yep|yup|no|nope|ok|okay|sure|hey|hi|"
    r"hello|right|wow|haha|lol|omg|ugh|wait|true|plus|cool|great|nice|true|besides|thanks|sorry|because|cause|"
    r"though|although|unfortunately|luckily|fortunately|correction|"
    r"sadly|personally|as i said|as i mentioned|like i said|as you know|by the way|to be honest|"
    r"as i (?:\w+ )?(?:said|told you|mentioned|wrote)(?: before| earlier| already| above)?|"
    r"i (?:already |have )?told you(?: before| already| earlier)?(?: that)?|i(?:['\u2019]d|"
    r" would) like you to (?:remember|know)"
    r"(?: that)?|tbh|in fact|for the record|for context|"
    r"just so you know|just to let you know|you know|fun fact|quick note|one more thing|for reference|"
    r"as a reminder|for what it's worth|given that|now that|seeing (?:that|as)|considering(?: that)?|"
    r"turns out(?: that)?|it turns out(?: that)?|the (?:thing|fact|truth) is(?: that)?|you should know(?: that)?|"
    r"i mean(?:t)?(?: to say)?(?: that)?|"
    r"i (?:should|must|forgot to|want to|wanted to|would like to|have to)(?: also)? (?:mention|add|say|admit|confess|"
    r"note|point out|tell you)(?: that)?|let me (?:add|mention|tell you)(?: that)?|"
    r"(?:please |pls )?(?:remember|note|keep in mind|don['\u2019]?t forget|bear in mind)(?: that)?)"
    rf"(?:[,:.!…]+\s*|\s+{_MINE}|\s*[-\u2013\u2014]+\s+))+",
    re.IGNORECASE,
)
# "Since I'm diabetic" gives a reason, "since I moved" a time.
_REASON = re.compile(
    r"^(?:since|as)\s+(?=(?:I(?:['\u2019]?m| am| don['\u2019]?t| can(?:no|['\u2019]?)t|(?: have|"
    r"['\u2019]ve got) (?:an?|no|two|\d+))|"
    r"my [\w' ]{2,30}? (?:is|has)|we(?:['\u2019]re| are| have (?:an?|no|two|\d+)))\b)",
    re.IGNORECASE,
)
_HEADED = re.compile(r"^[^:,.]{3,40}: (?=(?:I|my|we|our)\b)", re.IGNORECASE)
_CLOSER = re.compile(
    r"(?:[,\s]+(?:by the way|btw|haha|lol|please|pls|though|too|as it is|actually|anyway|just saying|"
    r"honestly|you know|for sure|of course|atm|rn|"
    r"as well|before you \w+.*|if that (?:helps|matters)|fyi|tbh|i think|i guess|remember|as|in case \w+.*|"
    r"so|and|but|or)\b[\s!.)]*)+$",
    re.IGNORECASE,
)
_CALLED = re.compile(r"^(?:(?:hey|hi|hello|thanks|yeah|wow|yes|no)\s+)?[A-Z][a-z]+[,!]\s+(?=(?:I|my|we|our)\b)")
_SARCASM = re.compile(
    r"/s\W*$|\b(?:just |only |was )(?:joking|kidding)\b|\bjk\W*$|^(?:oh,? sure|yeah,? (?:right|sure)|as if)\b|"
    r"^(?:oh,? )?(?:great|perfect|fantastic|wonderful|lovely|brilliant), I (?:just |really )?love\b",
    re.IGNORECASE,
)

# "It's my brother who lives in Oslo" → "my brother lives in Oslo"
_REQUEST = re.compile(
    r"^(?:(?:hey|hi|ok|okay|please),? )?(?:can|could|would|will) you (?:please )?(?:remember|note|keep in mind|"
    r"bear in mind|"
    r"make a note)(?: that)? (?=(?:I|my|we|our)\b)",
    re.IGNORECASE,
)
_CLEFT = re.compile(r"^it (?:is|was) (?P<who>my [\w' -]{2,40}?|[A-Z][\w-]+) (?:who|that) (?=\w)", re.IGNORECASE)
# What those who must know say about the user holds for the user.
_TOLD = re.compile(
    r"^my (?:\w+ )?(?:doctor|gp|dentist|therapist|physio\w*|psychiatrist|optician|dietitian|nurse|midwife|vet)s? "
    r"(?:says|say|said|told me|thinks|confirmed)(?: that)? (?=(?:I|my)\b)",
    re.IGNORECASE,
)
_POSSESSIVE_LOST = re.compile(
    rf"^(my|our) ((?:\w+ )?{KIN[:-2]}|dog|cat|horse|parrot)s (?=\w+ (?:is|are|was|has)\b)", re.IGNORECASE
)

_BEFORE: Final = r"(?:(?:just|recently|finally|already|also|still|currently|now|really|absolutely|totally|once) )*"
_FINITE_LATER = re.compile(
    r" (?:is|are|was|were|has|have|had|will|would|can|could|should|may|might|must|does|did|sounds?|seems?|looks?|"
    r"makes?|"
    r"means|helps?|requires?|needs)\b",
    re.IGNORECASE,
)
_STATE_FIRST = re.compile(
    r"(?:(?:very|really|quite|severely|mildly|slightly|deathly|strictly|mostly|happily|recently|newly|still|"
    r"currently|now|"
    r"fully|partially|originally|not|no longer|also|both) )*(?:(?:lactose|gluten|colou?r|nut)[ -])?(?P<state>allergic|"
    r"intolerant|diabetic|asthmatic|pregnant|blind|deaf|co?eliac|dyslexic|autistic|epileptic|vegetarian|vegan|"
    r"pescatarian|"
    r"teetotal|married|engaged|single|divorced|widowed|separated|retired|unemployed|self-employed|left-handed|"
    r"right-handed|based|born|raised|afraid|scared|terrified|sober|bilingual|fluent)\b(?! (?:people|couples?|friends?|"
    r"food|recipes?|restaurants?|options?|quotes?|page|threaded|reactions?|dishes|parents?))",
    re.IGNORECASE,
)
_DOING_FIRST = re.compile(
    rf"{_BEFORE}(?:working|living|studying|moving|training|teaching|staying|renting|raising)\b", re.I
)
_STATIVE_FIRST = re.compile(
    r"(?:(?:really|absolutely|totally|also|still|just|only|always|usually|never) )*(?:live (?:in|with|near|at|alone)|"
    r"work (?:at|as|for|from|part|full|nights)|(?:hate|love|prefer|dislike|adore|loathe|detest)"
    r"(?! (?:the|that|this|these|those|how|what|it|your|you|and|or|is|to|for|from|at|in|of)\b)|(?:own|speak|weigh|"
    r"earn|commute|"
    r"suffer from|have (?:no|two|three|four|five|\d+|an? \w+ (?:called|named|allergy)))\b)"
    r"|(?:do not|no longer|never) (?:eat|drink|like|smoke|drive|own|have|live|work|speak|fly|cook|been|eaten|had|"
    r"lived)\b"
    r"|cannot (?!(?:you|we|they|it)\b)|used to \w+",
    re.IGNORECASE,
)
# Without what only a capital tells: "no Tokyo" is no possession.
_PLAIN_THING: Final = THING.replace(r"|[A-Z]\w+", "")
_COUNTED = re.compile(
    rf"^(?:no (?:car|kids|children|pets?|siblings|brothers|sisters|allergies|(?:driving |driver's )?licen[cs]e)|"
    rf"(?:one|two|three|four|five|six|\d+) (?:\w+ )?(?:{KIN}|{_PLAIN_THING}))$",
    re.IGNORECASE,
)
_FAN = re.compile(
    r"(?P<not>not )?(?:an? )?(?P<what>(?:(?:big|huge|massive|total|long-time|lifelong) )?(?:fan|lover) of .+)",
    re.IGNORECASE,
)
_CALL_ME = re.compile(
    r"(?:please |just |you can |people |my friends |everyone |everybody )*calls? me ([A-Z][\w-]+)$", re.I
)
_HERE = re.compile(r"^(?P<what>(?:an? )?[a-z][\w-]*(?: [\w-]+){0,5}?) here$", re.IGNORECASE)
_WORK: Final = r"(?:er|or|ist|ian|eer|nurse|chef|student|vet|dad|mum|mom|parent)$"


def is_request(sentence: str) -> bool:
    """Whether the sentence asks no more than to remember what it says: "Could you keep in mind that I …?" """
    return _REQUEST.match(sentence) is not None


def is_meant(sentence: str) -> bool:
    """Whether the sentence is meant as it is said."""
    return _SARCASM.search(sentence) is None


def spoken_plainly(clause: str) -> str:
    """Return the clause without openers, contractions and closing marks: "Well, I'm in!" → "I am in"."""
    text = _CLOSER.sub(
        "", _unbracketed(" ".join(clause.replace("\u2019", "'").split()).strip(" .!,;:…*_~-\u2013\u2014"))
    )
    if text.isupper() and text.count(" ") > 1:
        text = text.lower()
    text = _REQUEST.sub("", text.rstrip("?") if _REQUEST.match(text) else text).replace(" w/ ", " with ")
    text = _OPENER.sub("", _CHATTER.sub("", text))
    text = _REASON.sub("", _OPENER.sub("", _CALLED.sub("", _HEADED.sub("", text))))
    if "'" in text or " i " in f" {text}" or _SHORT.search(text):
        for mark, pattern, long in _LONG:
            if mark in text.casefold():
                text = pattern.sub(long, text)
        text = re.sub(r"\bi\b", "I", text)
    text = re.sub(r"\bcan not\b", "cannot", text)
    return completed(_TOLD.sub("", _CLEFT.sub(r"\g<who> ", _POSSESSIVE_LOST.sub(r"\1 \2's ", text))))


def completed(text: str) -> str:
    """Give a clause about its author the subject that was left out: "allergic to nuts" → "I am allergic to nuts"."""
    first, _, rest = text.partition(" ")
    if first.casefold() in {"i", "my", "we", "our", "the", "it", "you"}:
        return text
    if short := _in_short(text):
        return short
    if _FINITE_LATER.search(f" {rest}"):
        return f"I {_lowered(text)}" if _STATIVE_FIRST.match(text) else text
    if re.match(r"single (?:mom|mum|dad|parent|mother|father)\b", text, re.IGNORECASE):
        return f"I am a {_lowered(text)}"
    if state := _STATE_FIRST.match(text):
        return f"I {'was' if state['state'].casefold() in {'born', 'raised'} else 'am'} {_lowered(text)}"
    if _DOING_FIRST.match(text):
        return f"I am {_lowered(text)}"
    if _STATIVE_FIRST.match(text) or _is_past(text):
        return f"I {_lowered(text)}"
    return text


def _in_short(text: str) -> str:
    """The whole sentence of a clause that has neither subject nor verb: "two cats", "nurse here", "big fan of jazz"."""
    if here := _HERE.match(text):
        return _presented(here["what"])
    if fan := _FAN.match(text):
        return f"I am {'not ' if fan['not'] else ''}a {fan['what']}"
    if called := _CALL_ME.match(text):
        return f"I go by {called[1]}"
    if _COUNTED.match(counted := re.sub(r"^got (?=(?:no|one|two|three|four|five|six|\d+) )", "", text)):
        return f"I have {_lowered(counted)}"
    return ""


def _presented(what: str) -> str:
    """ "Vegetarian here", "nurse here" """
    if _STATE_FIRST.match(what) or what.startswith(("a ", "an ")):
        return f"I am {_lowered(what)}"
    if not re.search(_WORK, what.split(" from ")[0].split(" in ")[0]):
        return f"{what} here"
    return f"I am {'an' if what[0].lower() in 'aeiou' else 'a'} {_lowered(what)}"


def _is_past(text: str) -> bool:
    """Whether the clause begins with a verb in the past that can be nothing else: "moved to Berlin"."""
    words = [word for word in text.split(" ")[:4] if not re.fullmatch(_BEFORE.strip(), f"{word.casefold()} ")]
    if not words or len(words) < 2:
        return False
    base, form = FORMS.get(words[0].casefold(), ("", ""))
    return (
        form == "past" and base not in {"be", "have", "do"} and FORMS.get(words[0].casefold(), ("", ""))[0] != words[0]
    )


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def _unbracketed(text: str) -> str:
    """Take off brackets around the whole clause, and a bracket that lost its other half when the clause was cut."""
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    return text if text.count("(") == text.count(")") else text.replace("(", "").replace(")", "")
