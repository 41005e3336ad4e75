"""`python -m bench.quality.dedupe`: what `relate` says of labelled pairs of statements, beside what it should."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import orjson

from memory.dedupe.comparing.answer import Comparison
from memory.dedupe.normalise import normalise
from memory.dedupe.reading.read import read
from memory.dedupe.relate import Relation, relate
from memory.providers.base import Said
from memory.providers.local.embedder import LocalEmbedder
from memory.providers.local.extractor import LocalExtractor
from memory.tuning.terms import Dedupe

ROOT = Path(__file__).absolute().parents[2]
SETS = {
    "dev": ROOT.parent / "shared" / "data" / "memory_pairs_dev.jsonl",
    "own": ROOT / "tests" / "memory" / "dedupe" / "pairs.jsonl",
    "later": ROOT / "tests" / "memory" / "dedupe" / "pairs_later.jsonl",
}
FORMS = ("raw", "extracted", "mixed")
LABELS = ("duplicate", "refines", "contradicts", "unrelated")
MERGED = frozenset({Relation.SAME, Relation.RICHER, Relation.POORER})
FLAGGED = frozenset({Relation.CONFLICT, Relation.UNSURE})
AT = datetime(2026, 11, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled pair and what `relate` makes of it."""

    label: str
    tag: str
    a: str
    b: str
    found: Comparison


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one set in one form, as shares; `seconds` is the time of one pair."""

    name: str
    form: str
    pairs: int
    merged: float  # of the contradictions
    precision: float
    recall: float
    sure: float  # recall where precision is at least 0.99
    flagged: float
    refined: float
    near: float  # of the near-misses, flagged
    seconds: float


@cache
def extracted(text: str) -> str:
    """The first fact that the extractor finds in a statement, or the statement as it is."""
    found = LocalExtractor().extract(Said("user", text, AT))
    return found[0].text if found else text


def pairs(name: str) -> list[dict[str, str]]:
    return [orjson.loads(line) for line in SETS[name].read_bytes().splitlines() if line.strip()]


def said(pair: dict[str, str], form: str, number: int) -> tuple[str, str]:
    """Both statements in one of the forms; "mixed" has one as it was said and one as it was extracted."""
    a, b = pair["a"], pair["b"]
    if form == "raw":
        return a, b
    if form == "extracted":
        return extracted(a), extracted(b)
    return (extracted(a), b) if number % 2 else (a, extracted(b))


def judged(name: str, form: str, terms: Dedupe | None = None) -> tuple[list[Judged], float]:
    """Every pair of a set with its comparison, and the seconds that one pair took."""
    labelled = pairs(name)
    texts = [said(pair, form, number) for number, pair in enumerate(labelled)]
    embedder = LocalEmbedder()
    left, right = (embedder.embed([both[side] for both in texts]) for side in (0, 1))
    cosines = np.sum(left * right, axis=1).tolist()
    terms = terms or Dedupe()
    read.cache_clear()  # a pair pays for reading both of its texts
    normalise.cache_clear()
    start = time.process_time()  # of this process alone: a busy machine changes nothing
    found = [relate(a, b, similarity=cosine, terms=terms) for (a, b), cosine in zip(texts, cosines, strict=True)]
    seconds = (time.process_time() - start) / max(1, len(texts))
    both = zip(labelled, texts, found, strict=True)
    return [Judged(pair["label"], pair["tag"], a, b, one) for pair, (a, b), one in both], seconds


def row(name: str, form: str) -> Row:
    found, seconds = judged(name, form)
    duplicates = [one for one in found if one.label == "duplicate"]
    contradictions = [one for one in found if one.label == "contradicts"]
    refinements = [one for one in found if one.label == "refines"]
    near = [one for one in found if one.label == "unrelated" and one.tag == "near"]
    wrongly = [one for one in found if one.label in {"contradicts", "unrelated"}]
    hits, misses = _share_of(duplicates, MERGED, count=True), _share_of(wrongly, MERGED, count=True)
    return Row(
        name,
        form,
        len(found),
        _share_of(contradictions, MERGED),
        hits / max(1, hits + misses),
        _share_of(duplicates, MERGED),
        _sure(found, len(duplicates)),
        _share_of(contradictions, FLAGGED),
        _share_of(refinements, frozenset({Relation.RICHER, Relation.POORER})),
        _share_of(near, FLAGGED),
        seconds,
    )


def _share_of(found: list[Judged], relations: frozenset[Relation], *, count: bool = False) -> float:
    hits = sum(one.found.relation in relations for one in found)
    return hits if count else hits / max(1, len(found))


def _sure(found: list[Judged], duplicates: int) -> float:
    """The duplicates found, as a share, at the lowest score from which on 99 of 100 that are merged are duplicates."""
    merged = sorted(
        (one for one in found if one.found.relation in MERGED and one.label != "refines"),
        key=lambda one: -one.found.score,
    )
    best = hits = 0
    for number, one in enumerate(merged, 1):
        hits += one.label == "duplicate"
        last = number == len(merged) or merged[number].found.score < one.found.score
        if last and hits / number >= 0.99:
            best = hits
    return best / max(1, duplicates)


def rows() -> Iterator[Row]:
    """The figures of every set that is there, in every form."""
    for name, file in SETS.items():
        if file.exists():
            yield from (row(name, form) for form in FORMS)


def report() -> str:
    """The figures as a Markdown table."""
    head = (
        "| pairs | form | contradictions merged | duplicates: precision | recall | recall at precision ≥ 0.99 |"
        " contradictions flagged | refinements recognised | near-misses flagged | µs a pair |\n|" + "---|" * 10
    )
    lines = [
        f"| {r.name} ({r.pairs}) | {r.form} | {r.merged:.1%} | {r.precision:.3f} | {r.recall:.2f} | {r.sure:.2f} |"
        f" {r.flagged:.0%} | {r.refined:.0%} | {r.near:.0%} | {r.seconds * 1e6:.0f} |"
        for r in rows()
    ]
    return "\n".join([head, *lines])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wrong", action="store_true", help="list what is seen otherwise than labelled")
    parser.add_argument("--set", choices=SETS, default="own")
    parser.add_argument("--form", choices=FORMS, default="raw")
    arguments = parser.parse_args()
    if not arguments.wrong:
        print(report())
        return
    found, _ = judged(arguments.set, arguments.form)
    for label in LABELS:
        counted = Counter(str(one.found.relation) for one in found if one.label == label)
        print(f"{label}: {dict(counted)}")
    for one in found:
        if not _is_right(one):
            fired = "; ".join(f"{e.guard} {list(e.a)} {list(e.b)}" for e in one.found.guards)
            print(f"{one.label:<12}{one.found.relation:<9}{one.found.score:<7}{one.a} | {one.b}   {fired}")


def _is_right(one: Judged) -> bool:
    right = {
        "duplicate": MERGED,
        "refines": frozenset({Relation.RICHER, Relation.POORER}),
        "contradicts": FLAGGED,
        "unrelated": frozenset({Relation.APART}),
    }
    return one.found.relation in right[one.label]


if __name__ == "__main__":
    main()
