"""`python -m bench.pairs`: what dedupe does with labelled pairs of statements, by threshold of near certainty."""

from __future__ import annotations

import sys
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson

from memory.dedupe.decide import Candidate, Outcome, decide
from memory.dedupe.normalise import text_hash
from memory.providers.base import Said
from memory.providers.local.embedder import LocalEmbedder
from memory.providers.local.extractor import LocalExtractor

FILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "memory_pairs_dev.jsonl"
THRESHOLDS = (0.97, 0.95, 0.90, 0.85, 0.80, 0.75, 0.70, 0.60, 0.50)
LABELS = ("duplicate", "refines", "contradicts", "unrelated")
NOBODY = uuid.UUID(int=0)
AT = datetime(2026, 11, 12, tzinfo=UTC)


def main() -> None:
    if not FILE.exists():
        sys.exit(f"{FILE.name} was not found beside the checkout, in ../shared/data: nothing to measure.")
    pairs = [orjson.loads(line) for line in FILE.read_bytes().splitlines() if line.strip()]
    facts = [(fact(pair["a"]), fact(pair["b"])) for pair in pairs]
    embedder = LocalEmbedder()
    left, right = (embedder.embed([pair[side] for pair in facts]) for side in (0, 1))
    cosines = np.sum(left * right, axis=1).tolist()
    print(f"{'merged at':<10}" + "".join(f"{label:>13}" for label in LABELS))
    print(f"{'of':<10}" + "".join(f"{sum(pair['label'] == label for pair in pairs):>13}" for label in LABELS))
    for threshold in THRESHOLDS:
        merged: Counter[str] = Counter()
        for pair, (known, new), cosine in zip(pairs, facts, cosines, strict=True):
            candidate = Candidate(NOBODY, known, text_hash(known), cosine)
            merged[pair["label"]] += decide(new, [candidate], near_certain=threshold).outcome is Outcome.DUPLICATE
        print(f"{threshold:<10}" + "".join(f"{merged[label]:>13}" for label in LABELS))


def fact(text: str) -> str:
    """The first fact that the extractor finds in a statement, or the statement as it is."""
    found = LocalExtractor().extract(Said("user", text, AT))
    return found[0].text if found else text


if __name__ == "__main__":
    main()
