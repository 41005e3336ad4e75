"""Asks a chat model how two facts relate where rules are not sure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict

from memory.providers.base import Chat, Judged, Judgement
from memory.providers.remote.prompted.structured import ask

MOST_PAIRS: Final = 10  # of one call: with more, models begin to mix them up
READ_CHARACTERS: Final = 600  # of one fact
MOST_CHARACTERS: Final = 200  # of one reason
ANSWER_TOKENS: Final = 100  # for one pair
INSTRUCTIONS: Final = """\
You keep one person's memory tidy. You are given pairs of facts about that person or people in their life, each with an
id: `older` was said first, `newer` after it. Say of each pair what the newer fact is to the older one.

- same: both say one thing in other words; nobody could lose anything if either of them were deleted.
- richer: the newer says all that the older says, and more.
- poorer: the older says all that the newer says, and more.
- conflict: both can't be true at one time. The newer one counts then: a move, a change, an end, a correction.
- apart: two facts that can both be true.

Two facts are never same, richer or poorer when they differ in a number, an amount or its unit, a date or time, a
negation (not, never, no longer, used to), a person or other name, or a qualifier that changes the meaning (only, most,
might, left or right, before or after). Differing in one of these they are a conflict where a person can have only one
of them at a time (one home, one age, one rent, one wedding day), and apart where a person can well have both. Facts
about different people, things or occasions are apart. Where you are not sure, say apart: that loses nothing.

Answer for every id, once.
- id: the pair's id.
- relation: same, richer, poorer, conflict or apart.
- why: one short sentence."""


def _known(relation: Any) -> Any:
    return relation.strip().casefold() if isinstance(relation, str) else relation


class JudgementOut(BaseModel):
    """A judgement as the model writes it."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    id: int
    relation: Annotated[Judged, BeforeValidator(_known)]
    why: str


class JudgementsOut(BaseModel):
    """The model's whole answer."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    judgements: list[JudgementOut]


class ChatJudge:
    """The judge that has read more than rules have; pairs have small numbers, so that it can invent no memory."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.name = f"chat:{chat.model}"

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Judgement | None]:
        """One judgement per (older, newer) pair, by one call for every 10 of them. Raises ProviderError.

        None for a pair that the model left out, or said two things of, and for texts too long to be shown whole.
        """
        asked = [at for at, pair in enumerate(pairs) if max(map(len, pair)) <= READ_CHARACTERS]
        found: list[Judgement | None] = [None] * len(pairs)
        for start in range(0, len(asked), MOST_PAIRS):
            some = asked[start : start + MOST_PAIRS]
            for at, judgement in zip(some, self._some([pairs[at] for at in some]), strict=True):
                found[at] = judgement
        return found

    def _some(self, pairs: Sequence[tuple[str, str]]) -> list[Judgement | None]:
        answer = ask(
            self._chat,
            instructions=INSTRUCTIONS,
            data={"pairs": [{"id": id, "older": old, "newer": new} for id, (old, new) in enumerate(pairs, 1)]},
            shape=JudgementsOut,
            max_tokens=ANSWER_TOKENS * (len(pairs) + 1),
        )
        return [_of(id, answer.judgements) for id in range(1, len(pairs) + 1)]


def _of(id: int, found: Sequence[JudgementOut]) -> Judgement | None:
    """What was said of a pair; None where that was nothing, or not one thing."""
    said = {one.relation: one for one in found if one.id == id}
    if len(said) != 1:
        return None
    (one,) = said.values()
    return Judgement(one.relation, " ".join(one.why.split())[:MOST_CHARACTERS])
