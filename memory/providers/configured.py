"""The providers that this installation is configured with: one of each per process."""

from __future__ import annotations

from functools import cache

from memory.providers.base import Embedder, Extractor, Summarizer
from memory.providers.local_embedder import LocalEmbedder
from memory.providers.local_extractor import LocalExtractor
from memory.providers.local_summarizer import LocalSummarizer


@cache
def embedder() -> Embedder:
    return LocalEmbedder()


@cache
def extractor() -> Extractor:
    return LocalExtractor()


@cache
def summarizer() -> Summarizer:
    return LocalSummarizer()
