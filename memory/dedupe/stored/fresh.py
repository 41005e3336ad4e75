"""What a batch has added to one scope itself: candidates that no query finds, since they are not written yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from memory.dedupe.decide import Candidate
from memory.dedupe.normalise import normalise
from memory.dedupe.stored.candidates import BY_WORDS, FAR, OF_KIND, OFTEN, RARE, Fact, kinds_beside


@dataclass(slots=True)
class Fresh:
    """The facts in the order in which they were added, by the places of their vectors in the batch."""

    ids: list[UUID] = field(default_factory=list)
    numbers: dict[UUID, int] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    by_word: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, id: UUID, fact: Fact, place: int) -> None:
        number = self.numbers[id] = len(self.ids)
        self.ids.append(id)
        self.facts.append(fact)
        self.places.append(place)
        for word in set(normalise(fact.text).split()):
            self.by_word[word].append(number)

    def retire(self, id: UUID) -> None:
        """It is no candidate any more, of whatever fact."""
        number = self.numbers.get(id)
        if number is not None:
            for word in set(normalise(self.facts[number].text).split()):
                self.by_word[word].remove(number)
            self.places[number] = -1

    def candidates(self, fact: Fact, vector: NDArray[np.float32], rows: NDArray[np.float32]) -> list[Candidate]:
        """As `candidates` finds them among what is stored: by hash, by vector, by rare words, by kind."""
        active = [number for number, place in enumerate(self.places) if place >= 0]
        if not active:
            return []
        cosines = dict(zip(active, (rows[[self.places[number] for number in active]] @ vector).tolist(), strict=True))
        chosen = [number for number in active if self.facts[number].text_hash == fact.text_hash]
        if fact.nearest and not chosen:
            chosen = self._near(fact, active, cosines)
        return [
            Candidate(self.ids[number], self.facts[number].text, self.facts[number].text_hash, cosines[number])
            for number in chosen
        ]

    def _near(self, fact: Fact, active: Sequence[int], cosines: dict[int, float]) -> list[int]:
        kinds = kinds_beside(fact.kind)
        alike = [number for number in active if cosines[number] >= 1 - FAR]
        nearest = sorted(alike, key=lambda number: -cosines[number])[: fact.nearest]
        of_kind = [number for number in active if self.facts[number].kind in kinds][-OF_KIND:]
        rarity: dict[int, float] = defaultdict(float)
        for word in set(normalise(fact.text).split()):
            numbers = self.by_word.get(word, [])
            for number in numbers if len(numbers) < OFTEN else ():
                rarity[number] += 1 / len(numbers)
        rare = [number for number, weight in rarity.items() if weight >= RARE]
        by_words = sorted(rare, key=lambda number: (-rarity[number], number))[:BY_WORDS]
        return list(dict.fromkeys([*nearest, *by_words, *of_kind]))
