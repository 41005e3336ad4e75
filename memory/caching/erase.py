"""Drops what caches hold of a text, wherever an application has put it, and the vectors kept for it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from memory.caching.cache import Cache
from memory.caching.invalidate import literal
from memory.caching.named import EMBEDDING, RESPONSE, TOOL
from memory.caching.store.entry import EntryError, unpack
from memory.caching.store.link import AwayError

KEPT_BY_APPLICATIONS: Final = (RESPONSE, TOOL)
ROUNDS: Final = 2_000  # of SCAN, for each of the caches
BYTES: Final = 64 * 1024 * 1024  # looked through


@dataclass(frozen=True, slots=True)
class Held:
    """Entries looked through, how many of them held the text and were dropped; `problem` where not all were."""

    entries: int
    dropped: int
    problem: str = ""


def forget_texts(scope: str, texts: Sequence[str]) -> Held:
    """Drop the answers of models and tools of a workspace that contain one of the texts, in whatever case.

    Walks all keys of Redis: for people who erase, not for requests.
    """
    needles = [text.casefold() for text in texts if text]
    entries = dropped = size = 0
    for cache in KEPT_BY_APPLICATIONS:
        try:
            for namespace, key, value in _entries(cache, scope):
                entries, size = entries + 1, size + len(value)
                folded = value.decode(errors="replace").casefold()
                if any(needle in folded for needle in needles):
                    dropped += cache.forget(namespace, key)
                if size > BYTES:
                    return Held(entries, dropped, f"Only the first {BYTES >> 20} MB were looked through.")
        except AwayError:
            cache.failed()
            return Held(entries, dropped, "Redis is away: what it holds ends by its time to live.")
    return Held(entries, dropped)


def forget_embeddings(texts: Sequence[str], *, models: Sequence[str], dimensions: int) -> int:
    """Drop the vectors of these texts; how many there were. Processes keep theirs, without any text, for an hour."""
    digests = dict.fromkeys(hashlib.blake2b(text.encode(), digest_size=16).hexdigest() for text in texts)
    found: dict[str, list[str]] = defaultdict(list)
    for model in dict.fromkeys(models):
        for digest in digests:
            found[f"{model}:{dimensions}:{digest[0]}"].append(digest)
    return sum(EMBEDDING.forget(namespace, *keys) for namespace, keys in found.items())


def _entries(cache: Cache, scope: str) -> Iterator[tuple[str, str, bytes]]:
    """Namespace, key, and all that is kept under it: the value, and the question that it answers."""
    opening = f"{{cache:{cache.policy.name}:"
    cursor = b"0"
    for _ in range(ROUNDS):
        cursor, found = cache.link.ask("SCAN", cursor, "MATCH", f"{opening}{literal(scope)}:*}}", "COUNT", 1000)
        for name in found:
            namespace = name.decode()[len(opening) : -1]
            keys = cache.keys(namespace)
            values, vectors = cache.link.ask_all([("HGETALL", keys[0]), ("HGETALL", keys[3])])
            questions = dict(zip(vectors[::2], vectors[1::2], strict=True))
            for field, stored in zip(values[::2], values[1::2], strict=True):
                if field.startswith(b"."):
                    yield namespace, field[1:].decode(), _plain(stored) + questions.get(field, b"")
        if cursor == b"0":
            return


def _plain(stored: bytes) -> bytes:
    try:
        return unpack(stored)
    except EntryError:
        return b""  # nobody can read it, and nobody is served it
