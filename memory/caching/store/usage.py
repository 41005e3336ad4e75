"""What is used: counted in the process, told to Redis every two seconds; orders eviction, and says what to warm."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from memory.caching.store.link import AwayError, Link
from memory.caching.store.scripts import Script

EVERY_S: Final = 2.0
MOST: Final = 2_000  # keys counted between two tellings; what is used often is among them
KEPT: Final = 1_000  # keys counted an hour
RECIPE_LIMIT: Final = 2_048  # bytes; what asked with more is not warmed
HOUR_S: Final = 3_600

# KEYS 1 uses (sorted set), 2 recipes (hash). ARGV: most, seconds to live; then member, count, recipe of each.
_COUNT: Final = Script("""
for i = 3, #ARGV, 3 do
  redis.call('ZINCRBY', KEYS[1], ARGV[i + 1], ARGV[i])
  if ARGV[i + 2] ~= '' then redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 2]) end
end
local over = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[1])
if over > 0 then
  local least = redis.call('ZPOPMIN', KEYS[1], over)
  for i = 1, #least, 2 do redis.call('HDEL', KEYS[2], least[i]) end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 0
""")


@dataclass(frozen=True, slots=True)
class Used:
    """A key of a cache, how often it was used in the last one to two hours, and what was asked, if that was told."""

    namespace: str
    key: str
    uses: int
    recipe: bytes = b""


class Usage:
    """The uses of one cache in this process. Counting takes no lock: a count lost to a race harms nobody."""

    def __init__(self, cache: str) -> None:
        self.cache = cache
        self._hits: dict[tuple[str, str], list[Any]] = {}
        self._namespaces: set[str] = set()

    @property
    def index(self) -> str:
        """The key of the sorted set of namespaces, by when they were last used."""
        return f"cached:{self.cache}:namespaces"

    def hit(self, namespace: str, key: str, recipe: bytes = b"") -> None:
        found = self._hits.get((namespace, key))
        if found is not None:
            found[0] += 1
        elif len(self._hits) < MOST:
            self._hits[namespace, key] = [1, recipe if len(recipe) <= RECIPE_LIMIT else b""]

    def kept(self, namespace: str) -> None:
        if len(self._namespaces) < MOST:
            self._namespaces.add(namespace)

    def tell(self, link: Link, *, now: float) -> None:
        """Tell Redis, and begin anew. Raises AwayError; what was counted is lost then."""
        hits, self._hits = self._hits, {}
        namespaces, self._namespaces = self._namespaces, set()
        if hits:
            counted = [
                part
                for (namespace, key), (uses, recipe) in list(hits.items())
                for part in (f"{namespace}\0{key}", uses, recipe)
            ]
            _COUNT.run(link, self._keys(now), KEPT, 2 * HOUR_S, *counted)
            # the namespace's order of use: XX, since an entry that is gone must not come back into it
            touched = int(now * 1000)
            link.ask_all([("ZADD", order_key(self.cache, name), "XX", touched, f".{key}") for name, key in hits])
        if seen := namespaces | {namespace for namespace, _ in hits}:
            link.ask("ZADD", self.index, *(part for namespace in seen for part in (int(now), namespace)))

    def top(self, link: Link, *, now: float, limit: int) -> list[Used]:
        """The most used keys, most used first. Raises AwayError."""
        uses: dict[bytes, float] = {}
        hours = [self._keys(hour) for hour in (now - HOUR_S, now)]
        for counted, _ in hours:
            flat = link.ask("ZREVRANGE", counted, 0, KEPT, "WITHSCORES")
            for member, score in zip(flat[::2], flat[1::2], strict=True):
                uses[member] = uses.get(member, 0) + float(score)
        most = sorted(uses, key=lambda member: (-uses[member], member))[:limit]
        if not most:
            return []
        before, latest = link.ask_all([("HMGET", recipes, *most) for _, recipes in hours])
        return [
            _used(member, uses[member], new or old or b"")
            for member, old, new in zip(most, before, latest, strict=True)
        ]

    def forget(self, link: Link, namespaces: Iterable[str], *, now: float) -> None:
        """Remove what was counted, and asked, in these namespaces. Raises AwayError."""
        gone = set(namespaces)
        self._hits = {place: found for place, found in list(self._hits.items()) if place[0] not in gone}
        self._namespaces -= gone
        link.ask("ZREM", self.index, *gone)
        for hour in (now - HOUR_S, now):
            counted, asked = self._keys(hour)
            members = [m for m in link.ask("ZRANGE", counted, 0, -1) if m.decode().partition("\0")[0] in gone]
            if members:
                link.ask_all([("ZREM", counted, *members), ("HDEL", asked, *members)])

    def _keys(self, now: float) -> tuple[str, str]:
        hour = int(now // HOUR_S)
        return f"cached:{{{self.cache}:{hour}}}:uses", f"cached:{{{self.cache}:{hour}}}:recipes"


def order_key(cache: str, namespace: str) -> str:
    """The key of a namespace's order of use."""
    return f"{{cache:{cache}:{namespace}}}:order"


def _used(member: bytes, uses: float, recipe: bytes) -> Used:
    namespace, _, key = member.decode().partition("\0")
    return Used(namespace, key, int(uses), recipe)


class Teller:
    """One daemon thread a process that tells the uses of its caches; it starts with the first use, and after a fork."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._usages: list[Usage] = []
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        os.register_at_fork(after_in_child=self._forked)

    def add(self, usage: Usage) -> None:
        self._usages.append(usage)

    def wake(self) -> None:
        """Cheap when the thread runs."""
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="cache-usage", daemon=True)
                    self._thread.start()

    def tell(self, *, now: float) -> None:
        """Tell Redis what was used; what it does not take is lost."""
        for usage in self._usages:
            try:
                usage.tell(self._link, now=now)
            except AwayError:
                continue  # the link has counted and logged it

    def _run(self) -> None:
        while True:
            time.sleep(EVERY_S)
            self.tell(now=time.time())

    def _forked(self) -> None:
        self._thread = None
        self._starting = threading.Lock()
