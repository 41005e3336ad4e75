"""Scores the local extractor on labelled messages: `python -m tests.memory.providers.local.score`.

And on the statements of the pairs beside the project, each of which is to give one fact, where they are there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from memory.providers.base import Said
from memory.providers.local.extractor import LocalExtractor

LABELLED = Path(__file__).parent / "statements.jsonl"
PAIRS = Path(__file__).parents[5] / "shared/data/memory_pairs_dev.jsonl"
AT = datetime(2026, 11, 21, 10, tzinfo=UTC)  # a Saturday: the labels' dates count from here


@dataclass(slots=True)
class Score:
    """How many facts were found that were wanted, found besides, and missed; and of the found ones the kinds right."""

    found: int = 0
    besides: int = 0
    missed: int = 0
    kinds: int = 0
    invented: list[str] = field(default_factory=list)  # messages of which no fact was wanted
    wrong: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.besides)

    @property
    def recall(self) -> float:
        return self.found / (self.found + self.missed)

    def __str__(self) -> str:
        return (
            f"precision {self.precision:.3f}, recall {self.recall:.3f}, kinds {self.kinds / self.found:.3f}, "
            f"messages without a fact that gave one: {len(self.invented)}"
        )


def labelled() -> list[tuple[str, dict[str, str]]]:
    """Each message, with the kinds of its facts by their text in small letters without marks."""
    rows = [json.loads(line) for line in LABELLED.read_text().splitlines()]
    return [(row["said"], {_bare(fact["text"]): fact["kind"] for fact in row["facts"]}) for row in rows]


def score() -> Score:
    total = Score()
    for said, wanted in labelled():
        found = {_bare(fact.text): str(fact.kind) for fact in LocalExtractor().extract(Said("user", said, AT))}
        both = found.keys() & wanted.keys()
        total.found += len(both)
        total.besides += len(found) - len(both)
        total.missed += len(wanted) - len(both)
        total.kinds += sum(found[text] == wanted[text] for text in both)
        if found and not wanted:
            total.invented.append(said)
        if found.keys() != wanted.keys():
            total.wrong.append(f"{said!r}: {sorted(found)} instead of {sorted(wanted)}")
    return total


def statements() -> Iterator[str]:
    for line in PAIRS.read_text().splitlines() if PAIRS.exists() else ():
        pair = json.loads(line)
        yield from (pair["a"], pair["b"])


def _bare(text: str) -> str:
    return re.sub(r"\W+", " ", text.casefold()).strip()


if __name__ == "__main__":
    result = score()
    print(*result.wrong, sep="\n")
    print(f"{len(labelled())} labelled messages: {result}")
    counts = [len(LocalExtractor().extract(Said("user", text, AT))) for text in statements()]
    print(f"{counts.count(1)} of {len(counts)} statements of the pairs give one fact" if counts else "pairs: not found")
