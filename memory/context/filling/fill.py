"""Chooses what fits into the budget, in the order in which it is said: pinned, summary, memories, messages."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from memory.context.filling.style import SECTIONS, Line, Style
from memory.context.filling.told import Told
from memory.context.parts import Known, Part, Thread
from memory.providers.local.tokens import Counter
from memory.tuning import Terms

WHOLE_SHARE: Final = 0.25  # of the budget: a message that is longer is told shortened
SHORTENED: Final = " … (shortened)"


class Left(NamedTuple):
    """A memory, message or summary that is not told, and why: said (elsewhere in the context) or budget."""

    id: uuid.UUID
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Filled:
    """Parts in their order, the text that they make, what it counts, and what was to choose from."""

    parts: list[Part]
    text: str
    tokens: int
    lines: Sequence[Line]
    messages: int  # that are told

    @property
    def spent(self) -> dict[str, int]:
        """What each section's lines took."""
        told = [line for line in self.lines if line.is_told]
        return {section: sum(line.tokens for line in told if line.section == section) for section in SECTIONS}

    @property
    def left(self) -> list[Left]:
        """What is not told, and why."""
        has_summary = any(line.is_told for line in self.lines if line.section == "summary")
        return [
            Left(line.id, line.kind, "said" if line.is_said(has_summary, self.messages) else "budget")
            for line in self.lines
            if not line.is_told
        ]


def fill(
    memories: Sequence[Known], thread: Thread, budget: int, style: Style, *, terms: Terms, counter: Counter
) -> Filled:
    """What is told of the memories, best first, and of the thread, within the budget as `counter` counts it.

    Memories get their share, the summary its own, messages the rest; what they leave is the memories' again. What the
    summary or a message that is told says already is not told as a memory, too.
    """
    opening = style.opening(budget, counter.count)
    room = _Room(style, counter.count, counter.count(opening) + 2 if opening else 0)
    summary = [Line("summary", thread.id, thread.summary)] if thread.id and thread.summary else []
    turns = _turns(thread, int(budget * WHOLE_SHARE), counter.count)
    told = Told([thread.summary, *(turn.text for turn in turns)], terms.dedupe)
    lines = [style.memory(known, told.place(known.text)) for known in memories]

    share, of_summary = int(budget * terms.context.memories), int(budget * terms.context.summary)
    # the messages that are told whatever the memories take of their share
    trial = room.copy()
    has_summary = bool(trial.take(summary, trial.used + of_summary))
    surely = len(trial.take(turns, budget - share, whole=True))
    about = room.take([line for line in lines if not line.is_said(has_summary, surely)], share)
    room.take(summary, room.used + of_summary)
    recent = room.take(turns, budget, whole=True)
    # with less than their share for memories, older messages had room, which may say one of these
    room.give_back(line for line in about if line.is_said(has_summary, len(recent)))
    rest = [line for line in lines if not line.is_told and not line.is_said(has_summary, len(recent))]
    room.take(rest, budget, whole=True)

    offered = [*lines, *summary, *turns]
    chosen = [*_by_group(line for line in lines if line.is_told), *(line for line in summary if line.is_told)]
    chosen += recent[::-1]
    chosen.sort(key=lambda line: SECTIONS[line.section])
    chosen, text, tokens = _within(chosen, budget, style, opening, counter.count)
    parts = [Part(line.kind, line.id, line.text, line.tokens) for line in chosen]
    return Filled(parts, text, tokens, offered, len(recent))


@dataclass(slots=True)
class _Room:
    """What the chosen lines cost so far, headings included."""

    style: Style
    count: Callable[[str], int]
    used: int
    headed: set[str] = field(default_factory=set)

    def copy(self) -> _Room:
        return _Room(self.style, self.count, self.used, set(self.headed))

    def take(self, lines: Iterable[Line], limit: int, *, whole: bool = False) -> list[Line]:
        """As many of the lines as fit under `limit` tokens; `whole` stops at the first that does not fit."""
        taken: list[Line] = []
        for line in lines:
            if not line.tokens:
                line.tokens = self.count(line.text) + 1  # the line break counts
            cost = line.tokens
            if line.section not in self.headed or (line.group and line.group not in self.headed):
                cost += self._headings(line)
            line.is_told = self.used + cost <= limit
            if line.is_told:
                taken.append(line)
                self.headed |= {line.section, line.group}
                self.used += cost
            elif whole:
                break
        return taken

    def give_back(self, lines: Iterable[Line]) -> None:
        """What these lines took; their headings stay paid for."""
        for line in lines:
            line.is_told = False
            self.used -= line.tokens

    def _headings(self, line: Line) -> int:
        """What the first line of a section or group costs besides."""
        cost = 0
        if line.section not in self.headed:
            cost += self.count(self.style.headings[line.section]) + 2
        if line.group and line.group not in self.headed:
            cost += self.count(line.group) + 1
        return cost


def _turns(thread: Thread, most: int, count: Callable[[str], int]) -> list[Line]:
    """The messages, newest first; one of more than `most` tokens is told shortened."""
    lines = []
    for id, role, name, content in thread.messages:
        text = f"{name or role}: {content}"
        # a token is hardly ever less than a letter: most are measured by their length alone
        if len(text) > most and count(text) > most:
            text = _cut(text, most, count)
        lines.append(Line("message", id, text))
    return lines


def _cut(text: str, most: int, count: Callable[[str], int]) -> str:
    """The beginning of a text, so that it fits."""
    letters = len(text)
    while letters > 0:
        shorter = text[:letters].rstrip() + SHORTENED
        tokens = count(shorter)
        if tokens <= most:
            return shorter
        letters = min(letters - 1, int(letters * most / tokens))
    return SHORTENED.strip()


def _by_group(lines: Iterable[Line]) -> list[Line]:
    """The memories group by group, in the order of the groups' first ones."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.group, []).append(line)
    return [line for group in groups.values() for line in group]


def _within(
    lines: list[Line], budget: int, style: Style, opening: str, count: Callable[[str], int]
) -> tuple[list[Line], str, int]:
    """The text; a tokenizer may count a whole a little higher than its parts: then the least wanted lines go."""
    text = style.render(lines, opening=opening) if lines else ""
    while (tokens := count(text)) > budget:
        last = next((line for line in lines if line.section == "message"), lines[-1])
        last.is_told = False
        lines = [line for line in lines if line is not last]
        text = style.render(lines, opening=opening) if lines else ""
    return lines, text, tokens
