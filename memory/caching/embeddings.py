"""The embedding cache: a text's vector by the hash of the text, per model; made only for texts that are new."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from memory.caching.named import EMBEDDING

Vectors = NDArray[np.float32]


def embed_cached(
    texts: Sequence[str], *, model: str, dimensions: int, make: Callable[[Sequence[str]], Vectors]
) -> Vectors:
    """The vectors of all texts, shape (len(texts), dimensions); `make` is asked once, for the distinct new ones.

    Rows have the precision of a halfvec, kept or not. What `make` raises is raised; vectors that are not finite are
    not kept.
    """
    space = f"{model}:{dimensions}"
    digests = [hashlib.blake2b(text.encode(), digest_size=16).hexdigest() for text in texts]
    found = _find(space, dict.fromkeys(digests))
    missing = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in found}
    if missing:
        made = np.asarray(make(list(missing.values()))).astype(np.float16)
        fresh = dict(zip(missing, made, strict=True))
        _keep(space, {digest: row.tobytes() for digest, row in fresh.items() if np.isfinite(row).all()})
        found |= fresh
    rows = [found[digest] for digest in digests]
    return np.asarray(rows, dtype=np.float32).reshape(len(texts), dimensions)


def _find(space: str, digests: dict[str, None]) -> dict[str, NDArray[np.float16]]:
    found: dict[str, NDArray[np.float16]] = {}
    for namespace, keys in _by_namespace(space, digests).items():
        for key, value in zip(keys, EMBEDDING.get_many(namespace, keys), strict=True):
            if value is not None:
                found[key] = np.frombuffer(value, dtype=np.float16)
    return found


def _keep(space: str, rows: dict[str, bytes]) -> None:
    for namespace, keys in _by_namespace(space, rows).items():
        EMBEDDING.keep_many(namespace, {key: rows[key] for key in keys})


def _by_namespace(space: str, digests: dict[str, None] | dict[str, bytes]) -> dict[str, list[str]]:
    """Sixteen namespaces a model, so that none grows without bound and small batches take few round trips."""
    found: dict[str, list[str]] = defaultdict(list)
    for digest in digests:
        found[f"{space}:{digest[0]}"].append(digest)
    return found
