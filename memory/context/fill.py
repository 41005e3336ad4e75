"""Chooses what fits into the budget, in the order in which it is said."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from memory.context.parts import Known, Part, Thread
from memory.context.style import Style
from memory.providers.local.tokens import estimate

SUMMARY_SHARE: Final = 0.15
MEMORY_SHARE: Final = 0.30  # of the budget; what the two leave goes to the recent messages


class _Line(NamedTuple):
    """What may become a part; `group` is the heading that it needs besides its kind's."""

    kind: str
    id: uuid.UUID
    text: str
    group: str = ""


def fill(memories: Sequence[Known], thread: Thread, budget: int, style: Style) -> tuple[list[Part], str]:
    """Parts in their order, and the text that they make, which stays within the budget."""
    visible = "\n".join(content.casefold() for *_, content in thread.messages)
    told = [known for known in memories if known.text.casefold() not in visible]
    known = [_Line("memory", each.id, style.line(each), style.group(each)) for each in told]
    opening = style.opening(budget)
    filling = _Filling(style, estimate(opening) + 2 if opening else 0)
    about = filling.take(known, int(budget * MEMORY_SHARE))
    summary = [_Line("summary", thread.id, thread.summary)] if thread.id and thread.summary else []
    past = filling.take(summary, filling.used + int(budget * SUMMARY_SHARE))
    turns = [_Line("message", id, f"{name or role}: {content}") for id, role, name, content in thread.messages]
    recent = filling.take(turns, budget, whole=True)
    # what the messages left is the memories' again
    taken = {part.id for part in about}
    rest = [line for line in known if line.id not in taken]
    more = filling.take(rest, budget, whole=True) if about or not turns else []
    groups = {line.id: line.group for line in known if line.group}
    parts = _by_group(about + more, groups) + past + recent[::-1]
    return parts, style.render(parts, opening=opening, groups=groups)


@dataclass(slots=True)
class _Filling:
    """What the chosen parts cost so far, headings included."""

    style: Style
    used: int
    groups: set[str] = field(default_factory=set)

    def take(self, lines: Iterable[_Line], limit: int, *, whole: bool = False) -> list[Part]:
        """As many of the lines as fit under `limit` tokens; `whole` stops at the first that does not fit."""
        parts: list[Part] = []
        for line in lines:
            # the line break counts, and with the first line of a kind or a group its heading
            tokens = estimate(line.text) + 1
            cost = tokens + (0 if parts else estimate(self.style.headings[line.kind]) + 2)
            if line.group and line.group not in self.groups:
                cost += estimate(line.group) + 1
            if self.used + cost <= limit:
                parts.append(Part(line.kind, line.id, line.text, tokens))
                self.groups.add(line.group)
                self.used += cost
            elif whole:
                break
        return parts


def _by_group(parts: list[Part], groups: dict[uuid.UUID, str]) -> list[Part]:
    """The memories group by group, in the order of the groups' first ones."""
    if not groups:
        return parts
    places: dict[str, int] = {}
    for part in parts:
        places.setdefault(groups[part.id], len(places))
    return sorted(parts, key=lambda part: places[groups[part.id]])
