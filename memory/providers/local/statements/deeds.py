"""What people do that is worth remembering: for each verb, which objects make which kind of memory."""

from __future__ import annotations

import re
from typing import Final

from memory.providers.local.statements.kinds import (
    DATED,
    DAYS,
    DURABLE,
    KIN,
    MEDICINE,
    MONEY,
    MONTH,
    OFTEN_TEXT,
    THING,
    UP_TO_3,
    Kind,
    Rules,
)
from memory.providers.local.statements.verbs import words_of

_NOT_NOUN: Final = (
    r"(?!(?:it|that|this|these|those|them|him|her|there|here|one|so|how|what|when|where|if|the (?:idea|"
    r"sound|look|way|first|second|third|last|latter|former|other|new|old|vibe|energy|colou?rs?|"
    r"design|thought|one))\b)(?=\S)"
)
_LIKED: Final = (
    rf"{_NOT_NOUN}(?!to (?:see|know|hear|say|get|have|discuss|add|make|point|ask|think|help|share|"
    rf"change|update|be able)\b)(?!(?:seeing|hearing|knowing|chatting|talking)\b)"
)
_SPORT: Final = (
    r"(?!(?:the|this|that|it|into|out|away|around|through|some|a (?:test|query|script|command|"
    rf"report))\b)(?:.*{OFTEN_TEXT}|.*\d|.*\b(?:k|km|kilomet\w+|miles?|marathons?|races|trails|"
    r"ultras?)\b)"
)


DEEDS: Final[dict[str, Rules]] = {}


def _deed(verbs: str, kind: Kind, pattern: str) -> None:
    for verb in verbs.split():
        DEEDS.setdefault(verb, []).append((kind, re.compile(pattern, re.IGNORECASE if "[A-Z]" not in pattern else 0)))


_deed(
    "live reside settle",
    Kind.PLACE,
    r"(?:in|at|near|with|on|alone|by|abroad|next|just|outside|close|two|three|ten|twenty|\d+)\b",
)
_deed(
    "move relocate migrate",
    Kind.PLACE,
    r"$|(?:back |away |here )?(?:to|from|into|in with)\b(?! (?:the next|this|that))|out of|house\b|"
    r"here from",
)
_deed("move relocate", Kind.PLACE, r"(?:away|house|home|back|out)\b")
_deed("grow", Kind.PLACE, r"up\b")
_deed("grow", Kind.HABIT, r"(?:my |our |tomatoes|vegetables|\w+s\b)")
_deed(
    "work",
    Kind.WORK,
    r"(?:\w+ly |night shifts |shifts )?(?:at|as|for|from|part|full|remotely|nights|weekends|four|"
    r"two|three|\d|every|shifts|in (?!(?:this|it|that)\b)|on (?:mon|tue|wed|thu|fri|sat|sun))",
)
_deed("study major", Kind.WORK, r"(?!(?:this|that|it|the|for)\b)\S")
_deed("teach coach mentor", Kind.WORK, r"(?!(?:this|that|it|me|them|us)\b)\S")
_deed(
    "graduate retire freelance intern volunteer qualify train",
    Kind.WORK,
    r"(?!(?:this|the model|it)\b)(?:.*\b(?:from|in|at|as|for|with|last|next|to be)\b)",
)
_deed("found promote", Kind.WORK, r"(?:an? |my |the )")
_deed("join", Kind.OTHER, r"(?:an? (?!call|meeting)|the \w+ (?:club|team|choir|band|gym)|[A-Z]).*")
_deed(
    "run own open manage lead start",
    Kind.WORK,
    rf"(?:an?|my own|our own|my|our) {UP_TO_3}(?:business|company|shop|bakery|caf[eé]|studio|restaurant|"
    rf"startup|team of|blog|podcast|agency|store|farm|club|practice|gallery)\b",
)
_deed("like love hate enjoy adore dislike loathe favour favor despise detest", Kind.PREFERENCE, _LIKED)
_deed("prefer", Kind.PREFERENCE, rf"{_LIKED}(?!to (?:go|use) with (?:it|that))")
_deed("stand tolerate", Kind.PREFERENCE, rf"(?!(?:up|out|for|by|on|in)\b){_NOT_NOUN}")
_deed("run swim cycle bike jog walk hike ski row climb train ride surf", Kind.HABIT, _SPORT)
_deed("snore stutter sleepwalk", Kind.HABIT, r"$|(?!(?:it|this|that)\b)\S")
_deed("keep", Kind.CONSTRAINT, r"(?:kosher|halal)\b")
_deed("go", Kind.IDENTITY, r"by [A-Z]\w+$")
_deed("keep breed", Kind.POSSESSION, rf"(?!\w+ing\b)(?:\w+ )?(?:bees|{THING})")
_deed("know", Kind.IDENTITY, r"how to (?!(?:do|fix|solve|use|get|make|say|tell|handle|deal|explain)\b)\w+")
_deed("eat", Kind.CONSTRAINT, r".*\b(?:halal|kosher|vegan|vegetarian|gluten-free|plant-based)\b")
_deed("bite", Kind.HABIT, r"my nails\b")
_deed("smoke vape", Kind.HABIT, r"$|(?!(?:it|this|that)\b)\S")
_deed(
    "drink eat cook bake",
    Kind.HABIT,
    rf"$|(?!(?:it|this|that|these|the|my (?:dinner|lunch|breakfast)|dinner|lunch|breakfast|some|"
    rf"a|an|out)\b)\S|.*{OFTEN_TEXT}",
)
_deed(
    "play",
    Kind.HABIT,
    r"(?!(?:it|this|that|with|around|along|a (?:role|part|game|video|trick|prank)|some|the (?:video|"
    r"game|song|role))\b)\S",
)
_deed(
    "paint knit crochet garden dance sing meditate juggle fish camp snowboard skate box draw sew forage volunteer "
    "collect",
    Kind.HABIT,
    rf"$|(?!(?:it|this|that|the|a|an|my|your|some)\b)\S|.*{OFTEN_TEXT}",
)
_deed("fly", Kind.PLAN, r"(?:back )?(?:to|from|out|home)\b")
_deed("commute", Kind.HABIT, r"\S")
_deed(
    "speak", Kind.IDENTITY, r"(?:\w+ ){0,2}(?:[A-Z]\w+(?:ish|an|ese|ch|ian|in|ic|di|i|k)|German|Dutch|Arabic|Welsh)\b"
)
_deed("drive ride", Kind.POSSESSION, r"an? (?:[\w-]+ )?(?:[A-Z]|\w+ (?:car|van|truck))|an? (?:van|truck|bus|taxi)")
_deed(
    "use",
    Kind.PREFERENCE,
    r"(?!(?:this|that|it|the|a|an)\b)(?:\w+ )?(?:[A-Z]\w+)|.*\b(?:over|instead of|rather than|"
    r"for (?:all|most|every)|every|always)\b|an? (?:wheelchair|hearing|cpap|cane|screen reader)",
)
_deed(
    "use",
    Kind.PREFERENCE,
    r"(?!(?:this|that|it|the|an?|your|these|those|some|any|to|both|one|them|up|all|more|strings?|variables?|"
    r"functions?|loops?)"
    r"\b)[\w.+#-]+(?: (?!here|now|instead|there)[\w.+#-]+)?(?:, not .+)?$",
)
_deed("write code program", Kind.PREFERENCE, r"(?:most of |all of )?(?:(?:my|our) )?(?:\w+ )*in [A-Z][\w+#]*")
_deed("own rent", Kind.POSSESSION, r"(?!(?:it|this|that|the)\b)(?:an?|two|three|\d+|my|our|several) \S")
_deed("buy adopt sell inherit rescue", Kind.POSSESSION, rf"(?:an?|my|our|two|three|the) {UP_TO_3}{THING}")
_deed("get", Kind.POSSESSION, rf"(?:an?|two|my|our|another) {UP_TO_3}(?!\w+ call){THING}")
_deed("get", Kind.WORK, r"(?:promoted|laid off|fired|tenure|an? (?:\w+ )?(?:job|promotion|raise|degree))\b")
_deed("get", Kind.RELATION, r"(?:married|engaged|divorced)\b")
_deed("get", Kind.HABIT, rf"up (?:at|early|late|before)\b.*|.*{OFTEN_TEXT}")
_deed("break split", Kind.RELATION, r"up(?:$| with\b)")
_deed("adopt foster", Kind.POSSESSION, r"(?:an?|two|three) (?!new|similar|different)\w+")
_deed("marry divorce", Kind.RELATION, r"\S")
_deed("date", Kind.RELATION, r"[A-Z]|a ")
_deed("raise", Kind.RELATION, r"(?:my|our|two|three|a) ")
_deed(
    "plan intend aim hope decide",
    Kind.PLAN,
    rf"(?:not )?(?:to|on) (?:be |\w+ly )?(?:{DURABLE}|\w+.*(?:{DATED.pattern}))",
)
_deed("plan", Kind.PLAN, r"(?:on )?(?:my|our|an?) (?!reply|response)|on (?:mov|quit|buy|tak|visit|start|gett)")
_deed(
    "want",
    Kind.PLAN,
    rf"to (?:be (?:an?|the) |\w+ly |someday |eventually )?(?:{DURABLE})(?! (?:it|this|that|these|"
    rf"a (?:book|message|letter|script|function|table|file|list|draft|new (?:chat|line|conversation)))\b)",
)
_deed("dream", Kind.PLAN, r"(?:of|about) \w+ing")
_deed("pay earn make spend owe", Kind.CONSTRAINT, MONEY)
_deed("pay", Kind.CONSTRAINT, r"for (?:an?|my|our) ")
_deed("drive", Kind.HABIT, r"$")
_deed("save", Kind.OTHER, MONEY)
_deed("stream", Kind.HABIT, rf".*{OFTEN_TEXT}")
_deed("weigh", Kind.HEALTH, r".*\d")
_deed(
    "break sprain injure tear fracture",
    Kind.HEALTH,
    r"(?:my|our) (?:left |right |lower )?(?:leg|arm|ankle|knee|wrist|foot|hand|hip|back|shoulder|"
    r"collarbone|acl|toe|finger|rib)",
)
_deed("suffer recover", Kind.HEALTH, r"from")
_deed("outgrow", Kind.HEALTH, r".*allerg")
_deed(
    "take",
    Kind.HEALTH,
    rf".*\b{MEDICINE}",
)
_deed(
    "take",
    Kind.HABIT,
    rf"(?:an? |my |our )?(?:\w+ ){{0,2}}(?:class(?:es)?|courses?|lessons?)\b|(?:the|a) (?:bus|train|"
    rf"tram|metro|ferry|subway).*|.*{OFTEN_TEXT}",
)
_deed("carry", Kind.HEALTH, r".*(?:epipen|inhaler|insulin)")
_deed("wear", Kind.HEALTH, r".*\b(?:glasses|contacts|contact lenses|hearing aids?|a brace|insoles)\b")
_deed("wear", Kind.PREFERENCE, rf".*{OFTEN_TEXT}|(?:a )?size ")
_deed("avoid", Kind.CONSTRAINT, _NOT_NOUN)
_deed(
    "need",
    Kind.CONSTRAINT,
    r"(?!to\b).*\b(?:glasses|wheelchair|step-free|subtitles|captions|insulin|gluten|ramp|lift access|"
    r"hearing|visa|childcare|wheelchair-accessible|large print|hours of sleep|liters|litres)\b|"
    r"to (?:avoid|take|be home|leave by|wear|eat every|save)\b.*",
)
_deed("support follow", Kind.PREFERENCE, r"[A-Z]\w+(?: [A-Z]\w+)?$|[A-Z]\w+ (?:FC|United|City)")
_deed("quit stop start begin", Kind.HEALTH, rf"(?:taking|using|on) (?:\w+ ){{0,3}}{MEDICINE}")
_deed(
    "quit stop",
    Kind.HABIT,
    r"(?!(?:it|this|that|here|there|worrying|the)\b)(?:\w+ing\b (?!(?:it|this|that|here|there)\b)|"
    r"smoking|drinking|vaping|alcohol|sugar|coffee|caffeine)|\w+ing$",
)
_deed("quit leave", Kind.WORK, r"(?:my|the) (?:\w+ )?(?:job|company|firm|band)")
_deed("lose", Kind.WORK, r"my (?:\w+ )?(?:job|business)")
_deed("lose", Kind.RELATION, rf"my {UP_TO_3}{KIN}")
_deed(
    "start begin take",
    Kind.HABIT,
    r"(?:up )?(?!(?:think|wonder|look|feel|see|gett|notic|read this|work)\w*)(?:learn|play|runn|"
    r"swimm|cycl|paint|cook|bak|meditat|hik|practi|eat|drink|knit|box|climb|danc|garden|writ)\w*ing\b|"
    r"an? \w+ (?:diet|class|course|routine)|(?:yoga|pilates|pottery|piano|guitar|therapy|swimming|"
    r"running|painting)\b",
)
_deed(
    "start",
    Kind.WORK,
    r"(?:an?|my) (?:\w+ )?(?:job|role|position|degree|phd|internship|apprenticeship)|(?:at|work at|"
    r"work) (?!.*\bthis\b).*|school\b",
)
_deed("finish", Kind.WORK, r"(?:work at|my (?:degree|phd|thesis|studies|masters?))")
_deed("switch change", Kind.OTHER, r"(?:from \w+ to|jobs|careers?|schools|to (?:decaf|oat|a |vegan|part))")
_deed("switch", Kind.PREFERENCE, r"(?:from|to) ")
_deed("sleep wake", Kind.HABIT, rf".*{OFTEN_TEXT}|up (?:at|early|before)|.*\d")
_deed(
    "go do read write watch listen visit travel attend call order shop meet spend make help see work buy host teach "
    "practice practise lift perform donate have explore try pick feed share tell entertain drop skip fast juggle swim",
    Kind.HABIT,
    rf".*{OFTEN_TEXT}",
)
_deed(
    "do practice practise",
    Kind.HABIT,
    r"(?:yoga|pilates|crossfit|karate|judo|taekwondo|ballet|pottery|ceramics|photography|volunteer work|"
    r"martial arts|kickboxing|jiu-jitsu)\b",
)
_deed("do", Kind.HABIT, r"(?:most|all|half) of (?:my|our) ")
_deed("listen", Kind.PREFERENCE, r"to (?:classical|jazz|metal|rock|podcasts|audiobooks|music|techno|folk|country|hip)")
_deed("celebrate bear", Kind.IDENTITY, r".*(?:birthday|" + MONTH + ")")
_deed("belong", Kind.IDENTITY, r"to")
_deed("suffer live", Kind.HEALTH, r"with (?:chronic|diabetes|anxiety|depression)")
_deed("die pass", Kind.RELATION, r"$|away|last|in|of|from|when|on|two|three|a |\d")
_deed("introduce", Kind.RELATION, r"me to [A-Z]")

CAN: Final = {
    "can": re.compile(r"(?:swim|drive|speak|play|cook|sing|read|ski|sail|dance|juggle|bake|knit)\b(?! (?:it|this|"
r"that|you))"),
    "cannot": re.compile(rf"(?:eat|drink|swim|drive|fly|stand|tolerate|have (?:(?!it|this|that|to|an?|the|any|my|"
        r"your|fun|access)\w{4,}$|dairy|gluten|nuts|caffeine|"
        rf"alcohol)|travel|"
rf"work|meet|take|do (?:mornings|{DAYS})|lift|run|live without|afford)\b(?! (?:it|this|that|"
rf"out|up|on this))"),
    "should": re.compile(r"(?:not )?avoid\b"),
    "must": re.compile(rf"(?:not )?(?:take|avoid|eat|drink|be (?:home|at|in|back)|leave by|wear|use)\b(?! (?:it|this|"
rf"that|a reason))|.*{OFTEN_TEXT}"),
}  # fmt: skip
EVENTS: Final = frozenset(
    words_of(
        """
    go visit attend join win finish complete run start graduate publish launch open paint buy adopt
    sign meet perform travel fly hike camp celebrate lose pass fail get take climb host sing compete
    donate volunteer move marry plant sell enter receive book see do have make break learn read
    write
    """
    )
)
SMALL_EVENT = re.compile(
    r"\b(?:bed|asleep|shower|breakfast|lunch|dinner|groceries|grocery|shopping|home late|email|"
    r"e-mail|message|link|file|it|that|this|a look|notes)\b|^(?:\w+ ){0,2}(?:blast|(?:great|good|"
    r"nice|wonderful|amazing|fun|lovely|wicked|awesome|tough|rough|hard|quite the) (?:time|experience|"
    r"day|chat|talk|adventure|week|weekend))(?! at| in)\b",
    re.I,
)
