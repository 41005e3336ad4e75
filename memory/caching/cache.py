"""One named cache: entries in Redis by namespace and key, each namespace under a version that invalidation replaces.

Redis away is a miss that keeps nothing: counted, never an error for the caller.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from memory.caching.policy import Looked, Policy
from memory.caching.store.entry import EntryError, fresh_until, pack, unpack
from memory.caching.store.link import AwayError, Link
from memory.caching.store.local import Local
from memory.caching.store.scripts import FORGET, KEEP, VERSION, Script
from memory.caching.store.usage import Usage, order_key
from monitoring import metrics

COMPRESS_OVER: Final = 8 * 1024  # bytes; below, compression saves little and costs as much as the look-up
NOTHING: Final = b""


class Cache:
    """Values are bytes; namespaces and keys are text without NUL. Safe for threads."""

    def __init__(
        self,
        policy: Policy,
        link: Link,
        *,
        clock: Callable[[], float] = time.time,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self.policy = policy
        self.link = link
        self.clock = clock
        self.usage = Usage(policy.name)
        self._wake = wake
        self._local = Local(most=policy.local_entries, seconds=policy.local_s) if policy.local_entries else None
        self._prefix = f"{{cache:{policy.name}:"
        series = f"cache.{policy.name}"
        self._hits, self._misses, self._stale = f"{series}.hits", f"{series}.misses", f"{series}.stale"
        self._errors, self._evictions, self._took = f"{series}.errors", f"{series}.evictions", f"{series}.get"
        self._raw, self._stored, self._oversized = (
            f"{series}.{what}" for what in ("bytes_raw", "bytes_stored", "oversized")
        )

    def get(self, namespace: str, key: str, *, recipe: bytes = NOTHING, misses: bool = True) -> bytes | None:
        """The value, in at most one round trip. `misses` False leaves them to the look-up that follows."""
        if self._local is not None and (value := self._local.get(namespace, key)) is not None:
            metrics.count(self._hits)
            return value
        began = time.perf_counter()
        try:
            stored = self.link.ask(*self.command(namespace, key))
        except AwayError:
            if misses:
                self._away()
            return None
        value = self.read(stored)
        metrics.observe(self._took, time.perf_counter() - began)
        if value is not None:
            self._hit(namespace, key, recipe)
            self._keep_local(namespace, key, value, stored)
        elif misses:
            metrics.count(self._misses)
        return value

    def get_many(self, namespace: str, keys: Sequence[str]) -> list[bytes | None]:
        """The values in the order of the keys, in at most one round trip."""
        found = [None if self._local is None else self._local.get(namespace, key) for key in keys]
        missing = [place for place, value in enumerate(found) if value is None]
        if missing:
            fields = [f".{keys[place]}" for place in missing]
            try:
                answers = self.link.ask("HMGET", f"{self._prefix}{namespace}}}", *fields)
            except AwayError:
                answers = [None] * len(fields)
                metrics.count(self._errors)
            for place, stored in zip(missing, answers, strict=True):
                found[place] = value = self.read(stored)
                self._keep_local(namespace, keys[place], value, stored)
        hits = sum(value is not None for value in found)
        metrics.count(self._hits, hits)
        metrics.count(self._misses, len(found) - hits)
        return found

    def look_up(self, namespace: str, key: str, *, recipe: bytes = NOTHING, counts: bool = True) -> Looked:
        """The value, or the version to keep a new one under: one round trip, two where the namespace is new.

        `counts` False is for those who look without using, such as warming.
        """
        began = time.perf_counter()
        names = self.keys(namespace)
        try:
            version, stored = self.link.ask("HMGET", names[0], "v", f".{key}")
            if version is None:
                version = VERSION.run(self.link, names[:1], uuid.uuid4().hex, self._keep_ms(None))
        except AwayError:
            self._away()
            return Looked(None, None)
        value = self.read(stored)
        if counts:
            metrics.observe(self._took, time.perf_counter() - began)
            if value is None:
                metrics.count(self._misses)
            else:
                self._hit(namespace, key, recipe)
        return Looked(value, version, None if value is not None else self._still(stored))

    def keep(
        self,
        namespace: str,
        key: str,
        value: bytes,
        *,
        version: bytes | None = None,
        ttl_s: float | None = None,
        tags: Iterable[str] = (),
        vector: bytes = NOTHING,
    ) -> bool:
        """Keep a value for `ttl_s` seconds (the cache's own where None); whether it was kept.

        With the version of a look-up it is dropped when the namespace was invalidated since. Values over the cache's
        limit are counted and not kept.
        """
        return self._keep(namespace, {key: value}, version or NOTHING, ttl_s, tuple(tags), vector)

    def keep_many(self, namespace: str, values: Mapping[str, bytes]) -> bool:
        """Keep several values in one round trip, whatever the version."""
        return not values or self._keep(namespace, values, NOTHING, None, (), NOTHING)

    def forget(self, namespace: str, *keys: str) -> int:
        """Drop these keys, and what is being made now for the namespace; how many there were."""
        if self._local is not None:
            self._local.forget(namespace, keys)
        return self.run(FORGET, namespace, *(f".{key}" for key in keys))

    def forget_namespaces(self, namespaces: Sequence[str]) -> None:
        """Drop all of these namespaces: one round trip. While Redis is away this is remembered and done later."""
        self.forget_local()
        if namespaces and not self.link.delete([key for name in namespaces for key in self.keys(name)]):
            metrics.count(self._errors)

    def command(self, namespace: str, key: str) -> tuple[str, str, str]:
        """What asks Redis for an entry."""
        return "HGET", f"{self._prefix}{namespace}}}", f".{key}"

    def forget_local(self) -> None:
        """Empty the first level of this process."""
        if self._local is not None:
            self._local.clear()

    def keys(self, namespace: str) -> tuple[str, str, str, str]:
        """The keys in Redis of a namespace, as the scripts expect them. Braces: one slot of a cluster."""
        entries = f"{self._prefix}{namespace}}}"
        return entries, order_key(self.policy.name, namespace), f"{entries}:tags", f"{entries}:vectors"

    def _keep(
        self,
        namespace: str,
        values: Mapping[str, bytes],
        version: bytes,
        ttl_s: float | None,
        tags: tuple[str, ...],
        vector: bytes,
    ) -> bool:
        fitting = {key: value for key, value in values.items() if len(value) <= self.policy.value_limit}
        if len(fitting) < len(values):
            metrics.count(self._oversized, len(values) - len(fitting))
        now = self.clock()
        until = now + self.policy.life_s(ttl_s)
        packed = {key: pack(value, fresh_until=until, over=COMPRESS_OVER) for key, value in fitting.items()}
        label = f"\0{chr(0).join(tags)}\0" if tags else ""
        parts = [part for key, entry in packed.items() for part in (f".{key}", entry, label, vector)]
        fixed = (version, uuid.uuid4().hex, int(now * 1000), self._keep_ms(ttl_s), self.policy.entries)
        try:
            if tags:  # before the entry: an entry that no tag finds could not be invalidated
                self.announce(namespace, tags)
            evicted = KEEP.run(self.link, self.keys(namespace), *fixed, *parts) if parts else -1
        except AwayError:
            self.failed()
            return False
        if evicted < 0:
            return False
        self._kept(namespace, fitting, packed, evicted, ttl_s)
        return True

    def _kept(
        self,
        namespace: str,
        values: Mapping[str, bytes],
        packed: Mapping[str, bytes],
        evicted: int,
        ttl_s: float | None,
    ) -> None:
        if self._local is not None:
            for key, value in values.items():
                self._local.keep(namespace, key, value, seconds=self.policy.life_s(ttl_s))
        metrics.count(self._raw, sum(map(len, values.values())))
        metrics.count(self._stored, sum(map(len, packed.values())))
        if evicted:
            metrics.count(self._evictions, evicted)
        self.usage.kept(namespace)
        self._wake()

    def announce(self, namespace: str, tags: Iterable[str]) -> None:
        """Let invalidations of these tags find the namespace. Raises AwayError."""
        scope = namespace.partition(":")[0]
        life_s = int(self.policy.longest_s + self.policy.stale_s) + 60
        for tag in tags:
            name = self.tagged(scope, tag)
            self.link.ask_all([("SADD", name, namespace), ("EXPIRE", name, life_s)])

    def tagged(self, scope: str, tag: str) -> str:
        """The key of the set of a scope's namespaces that have had this tag."""
        return f"cached:{self.policy.name}:tag:{scope}:{tag}"

    def run(self, script: Script, namespace: str, *arguments: str) -> int:
        """Run a script that drops entries of a namespace; how many there were."""
        try:
            return int(script.run(self.link, self.keys(namespace), uuid.uuid4().hex, *arguments))
        except AwayError:
            self.failed()
            # the whole namespace, as soon as Redis answers: more than was asked, and never less
            self.link.delete(self.keys(namespace))
            return 0

    def read(self, stored: bytes | None) -> bytes | None:
        """The value in an entry's bytes, if it is fresh."""
        if stored is None:
            return None
        try:
            return unpack(stored) if fresh_until(stored) > self.clock() else None
        except EntryError:
            self.failed()
            return None

    def _still(self, stored: bytes | None) -> bytes | None:
        if stored is None or not self.policy.stale_s:
            return None
        try:
            return unpack(stored) if fresh_until(stored) + self.policy.stale_s > self.clock() else None
        except EntryError:
            return None  # counted when it was read as fresh

    def _keep_local(self, namespace: str, key: str, value: bytes | None, stored: bytes | None) -> None:
        if self._local is not None and value is not None and stored is not None:
            self._local.keep(namespace, key, value, seconds=fresh_until(stored) - self.clock())

    def _hit(self, namespace: str, key: str, recipe: bytes) -> None:
        metrics.count(self._hits)
        self.usage.hit(namespace, key, recipe)
        self._wake()

    def served_stale(self) -> None:
        """Count a stale value that was served."""
        metrics.count(self._stale)

    def _away(self) -> None:
        metrics.count(self._misses)
        self.failed()

    def failed(self) -> None:
        """Count what Redis did not do."""
        metrics.count(self._errors)

    def _keep_ms(self, ttl_s: float | None) -> int:
        return int((self.policy.life_s(ttl_s) + self.policy.stale_s) * 1000)
