"""Embeds with an OpenAI-compatible endpoint: vectors of 256 dimensions whatever the model makes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memory.caching.embeddings import embed_cached
from memory.providers.base import ProviderBadAnswerError, ProviderRefusedError
from memory.providers.guard import Deadline, EmbeddingBatcher, Guard, Reply
from memory.providers.remote.endpoint import Endpoint
from memory.providers.remote.http.client import Answer
from memory.providers.remote.http.optional import OptionalFields

Rows = NDArray[np.float32]

DIMENSIONS: Final = 256
# Models take 8,191 tokens, and a byte-level tokenizer makes at most one of a byte. What a long text is about is said
# within its first thousand words.
TEXT_BYTES: Final = 8_000
TOO_LARGE: Final = 413


class RemoteEmbedder:
    """One row of length 1 per text; a text without content has a zero row and is not sent."""

    dimensions: Final = DIMENSIONS

    def __init__(self, endpoint: Endpoint, guard: Guard) -> None:
        self.model = endpoint.model
        self._site = endpoint.site()
        self._fixed = {"model": endpoint.model}
        if endpoint.profile.has_base64:
            self._fixed["encoding_format"] = "base64"
        self._wish: Mapping[str, int] = {"dimensions": DIMENSIONS} if endpoint.profile.has_dimensions else {}
        self._optional = OptionalFields("encoding_format", "dimensions")
        self._most = endpoint.profile.most_texts
        self._batcher = EmbeddingBatcher(guard, self._ask)

    def embed(self, texts: Sequence[str]) -> Rows:
        """Return shape (len(texts), 256). Raises ProviderError: vectors of one model for all texts, or for none.

        Dimensions beyond 256 are cut off and the rest is scaled to length 1, where the model can't be asked for 256.
        """
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        places = [place for place, text in enumerate(texts) if text.strip()]
        if places:
            written = [cut(texts[place]) for place in places]
            rows[places] = embed_cached(written, model=self.model, dimensions=DIMENSIONS, make=self._in_requests)
        return rows

    def _in_requests(self, texts: Sequence[str]) -> Rows:
        """The rows of texts that no request has to be cut for, however many they are."""
        made: list[Rows] = []
        left = list(texts)
        while left:
            now = left[: self._most]
            try:
                made.append(self._batcher.embed(now))
            except ProviderRefusedError as problem:
                if problem.status != TOO_LARGE or len(now) == 1:
                    raise
                self._most = len(now) // 2  # an endpoint that takes fewer texts than its kind usually does
            else:
                left = left[len(now) :]
        return np.concatenate(made)

    def _ask(self, texts: Sequence[str], deadline: Deadline) -> Reply[Rows]:
        body = {**self._fixed, **self._wish, "input": list(texts)}
        answer = self._optional.ask(body, lambda asked: self._site.post("/embeddings", asked, deadline))
        return Reply(
            value=vectors(answer.document, len(texts)),
            items=len(texts),
            prompt_tokens=count(answer.document.get("usage"), "prompt_tokens"),
            bytes_raw=answer.bytes_raw,
            bytes_sent=answer.bytes_sent,
            model=model_of(answer, self.model),
        )


def cut(text: str) -> str:
    """The text, or as much of its start as has 8,000 bytes in UTF-8; half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace")[:TEXT_BYTES].decode("utf-8", "ignore")


def vectors(document: Mapping[str, Any], expected: int) -> Rows:
    """The rows of an answer in the order of its texts, shape (expected, 256). Raises ProviderBadAnswerError."""
    data = document.get("data")
    if not isinstance(data, list) or len(data) != expected:
        raise ProviderBadAnswerError(f"the answer must have {expected} vectors")
    try:
        by_index = {int(one["index"]): _numbers(one["embedding"]) for one in data}
        rows = np.stack([by_index[index] for index in range(expected)])
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise ProviderBadAnswerError("the answer's vectors can't be read") from None
    if rows.ndim != 2 or rows.shape[1] < DIMENSIONS or not np.isfinite(rows).all():
        raise ProviderBadAnswerError(f"a vector must have at least {DIMENSIONS} numbers that are finite")
    rows = rows[:, :DIMENSIONS]
    peaks = np.abs(rows).max(axis=1, keepdims=True)
    rows = rows / np.where(peaks > 0, peaks, 1)  # squares of huge numbers are infinite
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def _numbers(embedding: Any) -> NDArray[np.float64]:
    """One vector, written as numbers or as base64 of little-endian float32."""
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4").astype(np.float64)
    return np.asarray(embedding, dtype=np.float64)


def count(usage: Any, name: str) -> int:
    """A number of tokens that an answer names, 0 where it names none."""
    found = usage.get(name) if isinstance(usage, Mapping) else None
    return found if isinstance(found, int) and found > 0 else 0


def model_of(answer: Answer, asked: str) -> str:
    """The model that answered, by its own word: an Azure deployment's name has no price."""
    named = answer.document.get("model")
    return named if isinstance(named, str) and named else asked
