"""Warming from usage: what was used most and is not there any more is made again before somebody asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from memory.caching.cache import Cache
from memory.caching.named import CACHES
from memory.caching.store.link import AwayError
from memory.caching.store.usage import Used
from memory.errors import HoldfastError, InvalidError

Maker = Callable[[Used], bytes | None]

_makers: dict[str, Maker] = {}


@dataclass(frozen=True, slots=True)
class Warmed:
    """What warming did: values made, there already, impossible to make any more, and left for another time."""

    made: int = 0
    fresh: int = 0
    gone: int = 0
    left: int = 0


def register_maker(name: str, maker: Maker) -> None:
    """Say how values of a cache are made from a key (and what was asked); None for one that can't be made any more."""
    cache_of(name)
    _makers[name] = maker


def warmable() -> list[str]:
    """The names of the caches that can be warmed: those with a maker in this process."""
    return sorted(_makers)


def cache_of(name: str) -> Cache:
    """Raises InvalidError, naming the field `cache`, for one that does not exist."""
    try:
        return CACHES[name]
    except KeyError:
        raise InvalidError(("cache", f"there is no cache {name!r}; choose one of {', '.join(CACHES)}")) from None


def warm(name: str, *, scope: str = "", limit: int = 100, within_s: float = 4.0) -> Warmed:
    """Make the `limit` most used values of a cache that are missing, for at most about `within_s` seconds.

    `scope` restricts it to namespaces that begin with it. Raises InvalidError for a cache without a maker.
    """
    cache, maker = cache_of(name), _makers.get(name)
    if maker is None:
        raise InvalidError(("cache", f"{name!r} can't be warmed: its values are made by those who put them there"))
    until = time.monotonic() + within_s
    counted = {"made": 0, "fresh": 0, "gone": 0, "left": 0}
    for used in _most_used(cache, scope, limit):
        counted[_warm_one(cache, maker, used) if time.monotonic() < until else "left"] += 1
    return Warmed(**counted)


def _most_used(cache: Cache, scope: str, limit: int) -> list[Used]:
    try:
        top = cache.usage.top(cache.link, now=cache.clock(), limit=1000)
    except AwayError:
        cache.failed()
        return []
    return [used for used in top if used.namespace.startswith(scope)][:limit]


def _warm_one(cache: Cache, maker: Maker, used: Used) -> str:
    looked = cache.look_up(used.namespace, used.key, counts=False)
    if looked.answer is not None:
        return "fresh"
    if looked.version is None:
        return "left"
    try:
        value = maker(used)
    except HoldfastError:
        return "gone"  # such as a conversation that was erased
    if value is None:
        return "gone"
    cache.keep(used.namespace, used.key, value, version=looked.version)
    return "made"
