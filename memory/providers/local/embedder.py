"""Static word vectors from WordLlama's wheel: the embedder that needs no network, no key and no GPU."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

DIMENSIONS: Final = 256

_loading = threading.Lock()
_loaded: tuple[Tokenizer, NDArray[np.float32]] | None = None


class LocalEmbedder:
    """Embeds with WordLlama (256 dimensions); the model is loaded at first use, once per process."""

    model: Final = "wordllama-256"
    dimensions: Final = DIMENSIONS

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return shape (len(texts), 256): the mean of each text's token vectors, scaled to length 1.

        A text without any token (empty, or nothing but spaces) gives a zero row: its cosine with everything
        is 0, so it is nobody's neighbour. An unknown character is spelled in byte tokens and gets a vector.
        """
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        written = [(row, text) for row, text in enumerate(texts) if text.strip()]
        if not written:
            return rows
        tokenizer, vectors = tokenizer_and_vectors()
        encoded = tokenizer.encode_batch([text for _, text in written], add_special_tokens=False)
        # Text by text, not as one padded block: a single long message would pad all others to its length.
        for (row, _), tokens in zip(written, encoded, strict=True):
            rows[row] = vectors[tokens.ids].mean(axis=0)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows /= np.where(lengths > 0, lengths, 1)
        return rows


def tokenizer_and_vectors() -> tuple[Tokenizer, NDArray[np.float32]]:
    """Return WordLlama's tokenizer and its vectors, shape (32000, 256); loaded once (about 0.3 s), thread safe."""
    global _loaded
    if _loaded is None:
        with _loading:
            if _loaded is None:
                _loaded = _load()
    return _loaded


def _load() -> tuple[Tokenizer, NDArray[np.float32]]:
    wordllama = _import_quietly()
    inference = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    inference.tokenizer.no_padding()
    return inference.tokenizer, inference.embedding


def _import_quietly() -> Any:
    """Import wordllama without the root log handler that its import installs (`logging.basicConfig`)."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    import wordllama

    root.handlers[:] = handlers
    root.setLevel(level)
    return wordllama
