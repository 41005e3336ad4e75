"""Asks the configured providers, and where one fails the local one in its place: the answer says so, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memory.providers.base import (
    Embedded,
    Embedder,
    Extracted,
    Extractor,
    ProviderError,
    Said,
    Summarized,
    Summarizer,
)


@dataclass(frozen=True, slots=True)
class Providers:
    """One of each."""

    embedder: Embedder
    extractor: Extractor
    summarizer: Summarizer


@dataclass(frozen=True, slots=True)
class Standby:
    """`first` is asked first; `local` never fails and takes over."""

    first: Providers
    local: Providers

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Vectors of all texts by one model."""
        try:
            return Embedded(self.first.embedder.embed(texts), self.first.embedder.model)
        except ProviderError as problem:
            return Embedded(self.local.embedder.embed(texts), self.local.embedder.model, _reason("embedding", problem))

    def extract(self, message: Said) -> Extracted:
        """The facts of one message."""
        try:
            return Extracted(self.first.extractor.extract(message), self.first.extractor.name)
        except ProviderError as problem:
            found = self.local.extractor.extract(message)
            return Extracted(found, self.local.extractor.name, _reason("extraction", problem))

    def summarize(self, previous: str, messages: Sequence[Said], *, budget_tokens: int) -> Summarized:
        """A new summary of at most `budget_tokens`."""
        try:
            text = self.first.summarizer.summarize(previous, messages, budget_tokens=budget_tokens)
            return Summarized(text, self.first.summarizer.name)
        except ProviderError as problem:
            text = self.local.summarizer.summarize(previous, messages, budget_tokens=budget_tokens)
            return Summarized(text, self.local.summarizer.name, _reason("summary", problem))


def _reason(what: str, problem: ProviderError) -> str:
    return f"The {what} provider failed ({type(problem).__name__}): the local one served."
