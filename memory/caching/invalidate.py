"""Invalidation of more than a namespace: by tag, by scope, and of a whole cache."""

from __future__ import annotations

from memory.caching.cache import Cache
from memory.caching.store.link import AwayError
from memory.caching.store.scripts import FORGET_TAG


def forget_tag(cache: Cache, tag: str, *, scope: str, namespace: str | None = None) -> int:
    """Drop what has this tag, in one namespace or in all of a scope; how many entries there were.

    A scope is the part of a namespace's name before the first colon.
    """
    cache.forget_local()
    tagged = cache.tagged(scope, tag)
    try:
        names = [namespace] if namespace is not None else [name.decode() for name in cache.link.ask("SMEMBERS", tagged)]
        dropped = sum(cache.run(FORGET_TAG, name, f"\0{tag}\0") for name in names)
    except AwayError:
        cache.failed()
        return 0
    return dropped


def forget_scope(cache: Cache, scope: str) -> int:
    """Drop all namespaces of a scope; how many keys of Redis that were. Walks all keys: for people, not requests."""
    return _sweep(cache, f"{{cache:{cache.policy.name}:{literal(scope)}:*")


def clear(cache: Cache) -> int:
    """Drop everything; how many keys of Redis that were. Walks all keys: for people, not requests."""
    return _sweep(cache, f"{{cache:{cache.policy.name}:*")


def _sweep(cache: Cache, pattern: str) -> int:
    cache.forget_local()
    dropped, cursor = 0, b"0"
    try:
        while True:
            cursor, found = cache.link.ask("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
            if found:
                dropped += cache.link.ask("UNLINK", *found)
            if cursor == b"0":
                return dropped
    except AwayError:
        cache.failed()
        return dropped


def literal(text: str) -> str:
    """A text that the patterns of SCAN take as it is."""
    return "".join(f"\\{letter}" if letter in "*?[]\\" else letter for letter in text)
