"""What a workspace may set, with the bounds of each value and its default."""

from __future__ import annotations

from typing import Annotated

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, model_validator

from memory.models import Kind

Share = Annotated[float, Field(ge=0, le=1)]
Boost = Annotated[float, Field(ge=0, le=0.5, description="At most this share more or less.")]
Weight = Annotated[float, Field(ge=0, le=10)]


class Part(BaseModel):
    """A group of settings: frozen, and strict about names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Dedupe(Part):
    """How alike two facts must be: scores from 0 to 1."""

    same: Share = Field(default=0.80, description="From here on a fact that no guard objects to is the same one.")
    unsure: Share = Field(default=0.65, description="From here on it is a question for the model, or for a person.")
    conflict: Share = Field(default=0.60, description="From here on a guard that fires makes it a contradiction.")
    candidates: Annotated[int, Field(ge=1, le=50)] = Field(
        default=10, description="Stored memories compared with a fact."
    )
    batch: Annotated[int, Field(ge=2, le=1000)] = Field(
        default=100, description="Memories compared in one slice of a job."
    )

    @model_validator(mode="after")
    def _is_ordered(self) -> Dedupe:
        if not self.unsure <= self.same:
            raise ValueError("unsure must not be greater than same")
        return self


class Retrieval(Part):
    """How memories are ranked: reciprocal rank fusion, then boosts."""

    vector: Weight = Field(default=1.0, description="Weight of the ranking by meaning.")
    words: Weight = Field(default=1.0, description="Weight of the ranking by words.")
    k: Annotated[int, Field(ge=1, le=1000)] = Field(default=60, description="Of reciprocal rank fusion.")
    recency: Boost = 0.1
    half_life_days: Annotated[float, Field(gt=0, le=3650)] = Field(
        default=30.0, description="Of the boost for recency."
    )
    importance: Boost = 0.1
    pinned: Boost = 0.1
    kinds: dict[Kind, Annotated[float, Field(ge=-0.5, le=0.5)]] = Field(
        default_factory=dict, description="A boost, or a malus below 0, per kind."
    )


class MessageSearch(Part):
    """What makes a message an answer: weights of signals."""

    words: Weight = 1.2
    neighbours: Weight = 3.6
    speaker: Weight = 2.5
    length: Weight = 1.1
    statement: Weight = 0.8
    first_person: Weight = 0.6
    vector: Weight = 4.9


class Window(Part):
    """The messages beyond the summary."""

    tokens: Annotated[int, Field(ge=200, le=200_000)] = Field(
        default_factory=lambda: settings.HOLDFAST_WINDOW_TOKENS, description="The window holds them, and 500 messages."
    )
    fold_above: Share = Field(default=0.7, description="Of the window: it is folded when it is fuller.")
    keep: Share = Field(default=0.4, description="Of the window stays, at most.")
    summary_tokens: Annotated[int, Field(ge=50, le=20_000)] = Field(
        default_factory=lambda: settings.HOLDFAST_SUMMARY_TOKENS, description="Length of a rolling summary."
    )

    @model_validator(mode="after")
    def _is_ordered(self) -> Window:
        if not self.keep < self.fold_above:
            raise ValueError("keep must be less than fold_above")
        return self


class Context(Part):
    """What goes into a context."""

    budget_tokens: Annotated[int, Field(ge=100, le=200_000)] = Field(
        default=2000, description="Where a request names none."
    )
    summary: Share = Field(default=0.15, description="Of the budget for the summary, at most.")
    memories: Share = Field(
        default=0.30, description="Of the budget for memories, at most, while messages need the rest."
    )
    considered: Annotated[int, Field(ge=1, le=100)] = Field(default=20, description="Memories that search offers.")


class Extraction(Part):
    """What is remembered."""

    kinds: tuple[Kind, ...] = Field(default=tuple(Kind), description="Facts of other kinds are left out.")
    least_importance: Share = Field(default=0.0, description="Facts of less importance are left out.")


class Terms(Part):
    """All settings of a workspace."""

    dedupe: Dedupe = Dedupe()
    retrieval: Retrieval = Retrieval()
    messages: MessageSearch = MessageSearch()
    window: Window = Field(default_factory=lambda: Window())
    context: Context = Context()
    extraction: Extraction = Extraction()
