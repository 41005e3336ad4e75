"""Covers what stands in a message and is not its author's own statement, without moving what is.

Code, logs, quoted lines, other people's speech, chats that were pasted, texts to be worked on, and what memory itself
told earlier: to remember that again would feed memory with itself.
"""

from __future__ import annotations

import re
from typing import Final

# Stands for words that are not the author's own; a clause that holds it would lose words and is dropped by the caller.
MASK: Final = "\x00"

_FENCED = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_TAGGED = re.compile(
    r"<((?:\w{1,20}[_-])?(?:memory|memories|context|facts|profile|recalled|document|quote|blockquote|code|pre))"
    r"(?:\s[^<>]{0,100})?>.*?(?:</\1>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_IN_QUOTES = re.compile(r"[\"“„«]([^\"“”„«»\n]+)[\"”»]|(?<![\w])['\u2018]([^'\u2018\u2019\n]{12,})['\u2019](?!\w)")
_SPEECH = re.compile(r"\b(?:I|I'm|me|my|we|our|you|your)\b|[.!?,]$", re.IGNORECASE)
_SAID = re.compile(
    r"(?:\b(?:say|says|said|saying|ask|asked|told|tells|wrote|writes|reads|goes|was like)|[:,])\s*$", re.I
)
# What memory tells a model, ours ("What is known about the user:") and others', to the next empty line.
_RECALLED = re.compile(
    r"^[ \t]*(?:(?P<heading>#{1,6})[ \t]*|\*\*)?(?:"
    r"(?:what|all|everything)(?: that)? (?:is known|(?:i|we|you) (?:know|remember)) about (?!me\b|myself)[^\n:]{1,40}|"
    r"the conversation so far|(?:recent|previous|earlier) messages|"
    r"(?:[\w-]+ ){0,3}(?:memories|facts)(?: (?:about|of|from|for|on) (?!me\b|myself)[^\n:]{1,40})?|"
    r"(?:user|memory|retrieved|relevant|recalled|long-term) context|"
    r"(?:user|customer|personal)(?:'s)? (?:profile|information|preferences|background))"
    r"(?:\*\*)?[ \t]*(?::(?:\*\*)?[ \t]*(?=\n|\Z)|(?(heading)(?=\n)|(?<=[\w*])(?=\n[ \t]*[-*\u2022])))"
    r"(?:\n(?![ \t]*(?:\n|\Z)).*)*",
    re.MULTILINE | re.IGNORECASE,
)
_STAMP: Final = r"\[?(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\d\d:\d\d:\d\d|\w{3} [ \d]\d \d\d:\d\d:\d\d)"
_PRINTED = re.compile(
    rf"^[ \t]*(?:{_STAMP}.*|\[?(?:ERROR|WARN|WARNING|INFO|DEBUG|TRACE|FATAL|CRITICAL|NOTICE)\b[\]:| -].*|"
    r"(?:Traceback \(most recent|Caused by:|Exception in thread|File \"|at [\w.$<>]+\().*|"
    r"[\w.]{0,80}(?:Error|Exception|Warning)\b:.*|(?:\$|>>>|\.\.\.|In \[\d+\]:|[\w.-]+@[\w.-]+[:~].{0,60}[$#]) .*|"
    r"(?:@@|diff --git|index [0-9a-f]{7}|\+\+\+|---) .*)$|"
    r"^(?: {4}|\t)[^\n(){};=<>]*[(){};=<>].*$",
    re.MULTILINE,
)
_SPEAKER = re.compile(
    r"^[ \t]*(?:\*\*|\[)?(?:user|assistant|system|human|ai|bot|chatbot|agent|customer|chatgpt|gpt|claude|gemini|"
    r"interviewer|narrator|tool)(?:\*\*|\])?[ \t]*:.*(?:\n(?![ \t]*\n|[ \t]*\Z).+)*",
    re.MULTILINE | re.IGNORECASE,
)
# A task and its material: what follows the colon is to be worked on, whoever said it.
_MATERIAL = re.compile(
    r"\b(?:translat\w+|rewrit\w+|rephras\w+|paraphras\w+|proofread\w*|summari[sz]\w+|correct (?:this|the|my)|"
    r"fix (?:this|"
    r"the|my)|edit (?:this|the|my)|improve|polish|shorten|classify|analy[sz]e|transcri\w+|grammar|spelling|sentences?|"
    r"paragraphs?|text|phrases?|quot(?:e|es|ation)|lyrics|poem|story|stories|essay|letter|e-?mail|tweet|post|headline|"
    r"dialogue|script|prompt|example|excerpt|passage|article|review|bio|character|following|says?|said|wrote|writes|"
    r"reads|goes|template|transcript|subtitles?)\b[^:\n.!?]{0,60}:[ \t]*(?:\n[ \t]*)*(?=[^\s\x00])",
    re.IGNORECASE,
)
_NOT_MATERIAL = re.compile(r"\b(?:remember|note|know|about me|reminder|fyi)\b[^:\n]{0,30}$", re.IGNORECASE)
_LETTER = re.compile(
    r"^[ \t]*dear (?!(?:assistant|ai|chatgpt|gpt|claude|gemini|bot|friend)\b)[^\n,:]{2,40}[,:]",
    re.MULTILINE | re.IGNORECASE,
)
# A riddle or a sum: nobody in it is anybody.
_RIDDLE = re.compile(
    r"\b[Hh]ow (?:many|much|old|long|far|fast|tall)\b[^?\n]{0,60}\b(?:left|remain\w*|altogether|in total|combined|"
    r"are there|"
    r"were there|(?:does|did|will|is|was|are) (?:he|she|they|each|the (?:trip|journey)|[A-Z][a-z]+))\b",
)
# From here on the message plays: who is a pirate in its first sentence has no parrot in its second.
_PLAYED = re.compile(
    r"(?:^|(?<=[.!?\n,:;] )|(?<=\n))[ \t]*(?:(?:ok(?:ay)?|so|now|please|hey|well|just)[ ,]+){0,2}(?:suppose|"
    r"supposing|imagine|"
    r"pretend|assume|assuming|let'?s (?:say|pretend|imagine|assume|suppose)|say (?:I|we|my)\b|what if|role ?-?play|"
    r"hypothetically|act as|you are (?:an?|my|the)\b|in (?:a|this|the|our) (?:role|game|story|novel|scenario|play|"
    r"dream)\b)",
    re.IGNORECASE,
)


def spoken(content: str) -> str:
    """The content with code, quoted lines and speech covered; all offsets stay as they are."""
    for opens, pattern, cover in _COVERS:
        if any(mark in content for mark in opens):
            content = pattern.sub(cover, content)
    return content


def own_words(content: str) -> str:
    """The content with all that is not its author's own statement covered; all offsets stay as they are."""
    content = spoken(content)
    low = content.casefold()
    if "<" in content:
        content = _TAGGED.sub(_blank, content)
    content = _RECALLED.sub(_blank, _PRINTED.sub(_blank, content))
    if "how " in low and _RIDDLE.search(content):
        return _to_the_end(content, 0)
    if ":" in content:
        content = _SPEAKER.sub(_blank, content)
        content = _to_the_end(content, _material(content))
    for word, pattern in (("dear", _LETTER), ("", _PLAYED)):
        found = pattern.search(content) if word in low else None
        content = _to_the_end(content, found.start() if found else None)
    return content


def _blank(found: re.Match[str]) -> str:
    return "\n" * len(found[0])


def _mask(found: re.Match[str]) -> str:
    return MASK * len(found[0])


def _speech(quoted: re.Match[str]) -> str:
    words = (quoted[1] or quoted[2] or "").strip()
    is_speech = _SPEECH.search(words) or _SAID.search(quoted.string[max(0, quoted.start() - 16) : quoted.start()])
    return MASK * len(quoted[0]) if is_speech else quoted[0]


_COVERS: Final = (
    (("```", "~~~"), _FENCED, _blank),
    (">", _QUOTED_LINE, _blank),
    ("`", _INLINE_CODE, _mask),
    ("\"“„«'\u2018", _IN_QUOTES, _speech),
)


def _material(content: str) -> int | None:
    """Where the text begins that the message wants to have worked on."""
    for found in _MATERIAL.finditer(content):
        if not _NOT_MATERIAL.search(content[: found.end()].rstrip(" \t\n:")[-60:]):
            return found.end()
    return None


def _to_the_end(content: str, start: int | None) -> str:
    return content if start is None else content[:start] + "\n" * (len(content) - start)
