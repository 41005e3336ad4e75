"""Fuses the signs: weighted sums of min-max values over the union of what each ranking offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory.search.messages.read import Floats
from memory.search.messages.score import RANKING, Signs
from memory.tuning.terms import MessageSearch

DEPTH: Final = 100  # messages that each ranking offers


@dataclass(frozen=True, slots=True)
class Fused:
    """Places of messages, best first, with their scores (0 to 1) and what each sign added to them."""

    places: NDArray[np.int64]
    scores: Floats
    added: Mapping[str, Floats]


def fuse(signs: Signs, weights: MessageSearch, *, limit: int) -> Fused:
    """The best messages by the weighted sum of their signs, each of which goes from 0 to 1 among those offered."""
    on = _offered(signs)
    parts = {
        "words": weights.words * _spread(signs.words[on]),
        "neighbours": weights.neighbours * _spread(signs.neighbours[on]),
        "speaker": weights.speaker * _spread(signs.speaker[on]),
        "length": weights.length * _spread(signs.length[on]),
        "statement": weights.statement * _spread(signs.statement[on]),
        "first_person": weights.first_person * _spread(signs.first_person[on]),
        "vector": weights.vector * (_spread(signs.meaning[on]) + _spread(signs.meaning_around[on])) / 2,
    }
    most = sum(weights.model_dump().values()) or 1.0
    scores = np.sum(list(parts.values()), axis=0) / most
    # of two that are alike the later one
    best = np.lexsort((-on, -scores))[:limit]
    return Fused(on[best], scores[best], {name: part[best] / most for name, part in parts.items()})


def _offered(signs: Signs) -> NDArray[np.int64]:
    """The union of the best of each ranking."""
    offered = [_best(sign(signs)) for sign in RANKING]
    return np.unique(np.concatenate(offered))


def _best(scores: Floats) -> NDArray[np.int64]:
    """The places of the highest scores; those without any don't count."""
    places = np.flatnonzero(scores > 0)  # neither 0 nor NaN
    if len(places) > DEPTH:
        places = places[np.argpartition(-scores[places], DEPTH)[:DEPTH]]
    return places


def _spread(values: Floats) -> Floats:
    """From 0 for the least to 1 for the most; 0 for what is missing, and where all are alike."""
    known = values[~np.isnan(values)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    if not high > low:
        return np.zeros_like(values)
    return np.nan_to_num((values - low) / (high - low))
