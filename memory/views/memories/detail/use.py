"""How much a memory is used: how often contexts had it, at which rank, at what price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max, Sum

from memory.models import Memory, Served
from memory.views.memories import words
from monitoring.formats import number

DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Use:
    """Of the last fourteen days."""

    times: int
    facts: list[tuple[str, str]]

    @property
    def said(self) -> str:
        return f"served {number(self.times)} time{'' if self.times == 1 else 's'}" if self.times else "not served yet"


def use(memory: Memory, now: datetime) -> Use:
    rows = Served.objects.filter(memory=memory, day__gt=(now - timedelta(days=DAYS)).date())
    sums = rows.aggregate(n=Sum("times"), at_=Sum("ranks"), of_=Sum("of"), tokens_=Sum("tokens"), last=Max("last_at"))
    times = sums["n"] or 0
    facts = [("Served", f"{number(times)} time{'' if times == 1 else 's'}" if times else "never")]
    if times:
        facts += [
            ("Last served", words.exactly(sums["last"], now)),
            ("Mean rank", f"{sums['at_'] / times:.1f} of {number(round(sums['of_'] / times))}"),
            ("Tokens each time", number(round(sums["tokens_"] / times))),
        ]
    return Use(times, [*facts, ("Importance", f"{memory.importance:.2f}")])
