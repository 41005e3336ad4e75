"""Keeps the sentences of a conversation that say most, in their order and with their speakers: no model, no network."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log, sqrt
from typing import Final

from memory.providers.base import Said
from memory.providers.local.extractor import LocalExtractor
from memory.providers.local.statements.hearing.sentences import sentences
from memory.providers.local.statements.verbs import words_of
from memory.providers.local.tokens import estimate

ASSISTANTS_SHARE: Final = 0.6
FACT_BONUS: Final = 1.0
NUMBER_BONUS: Final = 0.3
NAME_BONUS: Final = 0.2
OPENING_BONUS: Final = 0.1
RECENCY_BONUS: Final = 0.3
# A sentence of the previous summary has won once; the longer ago, the sooner it goes, or what is new is never told.
KEPT_BONUS: Final = 0.6
OLDEST_SHARE: Final = 0.3  # of that bonus, for the oldest sentence
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
ASSISTANT: Final = "Assistant"
QUESTION_SHARE: Final = 0.4
FEWEST_CONTENT_WORDS: Final = 2
MOST_WORDS: Final = 48
REPEATED_FROM: Final = 0.8

_WORD = re.compile(r"[^\W_]+(?:['\u2019]\w+)?")
_NUMBER = re.compile(r"\d")
_NAME = re.compile(r"(?<=[\w,;] )[A-Z][a-z]+")
_LABELLED = re.compile(r"^([^:\n]{1,40}): (.+)$")
_STOPPED: Final = frozenset(
    words_of(
        """
    a an the i you he she it we they me him her us them my your his its our their is am are was were
    be been being do does did have has had will would can could should may might must shall to of in
    on at for with from by as and or but so if then than that this these those there here what which
    who how when where why not no yes just very really too also about into up out over some any all
    more i'm it's that's don't thanks thank please ok okay hi hello hey sure well great good nice
    let's let lol
    """
    )
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence that competes for a place: who said it, its content words, and what it earns besides them."""

    speaker: str
    text: str
    content: frozenset[str]
    share: float
    bonus: float


class LocalSummarizer:
    """The standard summarizer: extractive and deterministic."""

    name: Final = "local-extractive-1"

    def __init__(self) -> None:
        self._extractor = LocalExtractor()

    def summarize(self, previous: str, messages: Sequence[Said], *, budget_tokens: int) -> str:
        """Return lines "Speaker: sentences", oldest first, of at most `budget_tokens` by `tokens.estimate`.

        Recalled, system and tool messages count as nothing said; then `previous` comes back as it is if it fits.
        A sentence of `previous` is lost to one that scores higher, or when it is said again: facts are kept longest.
        """
        heard = [message for message in messages if message.role in {"user", "assistant"} and not message.recalled]
        new = [one for place, message in enumerate(heard, 1) for one in self._said(message, place / len(heard))]
        if not new and estimate(previous) <= budget_tokens:
            return previous
        kept = self._kept(previous, heard[-1].at) if heard else self._kept(previous, BEGINNING)
        return _rendered(_best([*kept, *new], budget_tokens))

    def _said(self, message: Said, recency: float) -> Iterator[Sentence]:
        """Yield the sentences of one message; `recency` is 1 for the newest message, near 0 for the oldest."""
        speaker = " ".join((message.name or message.role.capitalize()).replace(":", " ").split())[:40]
        facts = [(fact.span, fact.importance) for fact in self._extractor.extract(message)]
        for place, piece in enumerate(sentences(message.content)):
            text = _shortened(message.content[piece.start : piece.end])
            told = sum(weight for (start, end), weight in facts if start < piece.end and end > piece.start)
            share = (1.0 if message.role == "user" else ASSISTANTS_SHARE) * (QUESTION_SHARE if piece.asks else 1.0)
            bonus = FACT_BONUS * min(told, 2.0) + RECENCY_BONUS * recency + OPENING_BONUS * (place == 0)
            yield Sentence(speaker, text, _content(text), share, bonus + _marks(text))

    def _kept(self, previous: str, at: datetime) -> Iterator[Sentence]:
        """Yield the sentences of the previous summary: facts stay, the rest gives way, the oldest first."""
        found: list[tuple[str, str]] = []
        for line in previous.splitlines():
            labelled = _LABELLED.match(line.strip())
            speaker, text = (labelled[1], labelled[2]) if labelled else ("", line)
            found += [(speaker, _shortened(text[piece.start : piece.end])) for piece in sentences(text)]
        for place, (speaker, text) in enumerate(found, 1):
            facts = [] if speaker == ASSISTANT else self._extractor.extract(Said("user", text, at))
            told = min(sum(fact.importance for fact in facts), 2.0)
            age = OLDEST_SHARE + (1 - OLDEST_SHARE) * place / len(found)
            bonus = FACT_BONUS * told + KEPT_BONUS * age + _marks(text)
            yield Sentence(speaker, text, _content(text), 1.0, bonus)


def _best(candidates: list[Sentence], budget_tokens: int) -> list[Sentence]:
    """Choose greedily by score what fits, each thing once, and return it in the order in which it was said."""
    worth = _scores(candidates)
    ranked = sorted(range(len(candidates)), key=lambda place: (-worth[place], place))
    chosen: list[int] = []
    left = budget_tokens
    for place in ranked:
        one = candidates[place]
        # Lines add up: ceil of each is at least the estimate of all joined, so the budget holds for the whole.
        cost = estimate(f"{one.speaker}: {one.text}\n")
        if (
            cost > left
            or len(one.content) < FEWEST_CONTENT_WORDS
            or _is_repeated(one, (candidates[at] for at in chosen))
        ):
            continue
        chosen.append(place)
        left -= cost
    return [candidates[place] for place in sorted(chosen)]


def _scores(candidates: Sequence[Sentence]) -> list[float]:
    """Return share x (sum of idf / sqrt(content words + 1)) / log(N + 1) + bonus, idf = log(1 + N / df)."""
    seen_in = Counter(word for one in candidates for word in one.content)
    total = len(candidates)
    scale = log(total + 1) or 1.0

    def score(one: Sentence) -> float:
        # Sorted, because a set's order differs between processes and float sums depend on it.
        rarity = sum(log(1 + total / seen_in[word]) for word in sorted(one.content))
        return round(one.share * (rarity / sqrt(len(one.content) + 1) / scale + one.bonus), 9)

    return [score(one) for one in candidates]


def _is_repeated(one: Sentence, chosen: Iterator[Sentence]) -> bool:
    """Say whether one sentence of the same speaker was chosen that has nearly all its words and the same numbers."""
    return any(
        one.speaker == other.speaker
        and len(one.content & other.content) >= REPEATED_FROM * len(one.content | other.content)
        and _digits(one.content) == _digits(other.content)
        for other in chosen
    )


def _rendered(chosen: list[Sentence]) -> str:
    lines: list[str] = []
    speaker: str | None = None
    for one in chosen:
        if one.speaker == speaker and lines:
            lines[-1] += f" {one.text}"
        else:
            lines.append(f"{one.speaker}: {one.text}" if one.speaker else one.text)
        speaker = one.speaker
    return "\n".join(lines)


def _shortened(text: str) -> str:
    words = text.split()
    if len(words) > MOST_WORDS:
        return " ".join([*words[:MOST_WORDS], "…"])
    return " ".join(words) + ("" if text[-1:] in '.!?…)"”' else ".")


def _content(text: str) -> frozenset[str]:
    return frozenset(word for found in _WORD.finditer(text) if (word := found[0].casefold()) not in _STOPPED)


def _digits(content: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in content if any(letter.isdigit() for letter in word))


def _marks(text: str) -> float:
    return NUMBER_BONUS * bool(_NUMBER.search(text)) + NAME_BONUS * bool(_NAME.search(text))
