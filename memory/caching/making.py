"""Stampede protection: of those who miss the same value, one makes it; the others wait, or take the stale one."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from memory.caching.cache import Cache
from memory.caching.policy import Looked
from memory.caching.store.link import AwayError
from memory.caching.store.scripts import RELEASE

WAIT_S: Final = 2.0
LEASE_S: Final = 10.0  # a maker that dies is missed for so long
FIRST_LOOK_S, LONGEST_LOOK_S = 0.002, 0.05  # between two looks at what another process makes

Place = tuple[str, str, str, bytes | None]


class Flight:
    """One value being made in this process, and those who wait for it."""

    __slots__ = ("error", "landed", "value")

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.value: bytes | None = None
        self.error: Exception | None = None


_flights: dict[Place, Flight] = {}
_boarding = threading.Lock()


def get_or_make(
    cache: Cache,
    namespace: str,
    key: str,
    make: Callable[[], bytes],
    *,
    ttl_s: float | None = None,
    tags: Iterable[str] = (),
    stale_on: tuple[type[Exception], ...] = (),
    wait_s: float = WAIT_S,
    lease_s: float = LEASE_S,
) -> bytes:
    """The value, made by `make` where there is none.

    Of all threads and processes that ask at once one makes it, under a lease of `lease_s`. The others get the stale
    value if there is one, else wait up to `wait_s` and then make it themselves. What `make` raises goes to all who
    wait in this process; for the errors in `stale_on` a stale value is served instead.
    """
    looked = cache.look_up(namespace, key)
    if looked.answer is not None:
        return looked.answer
    if looked.version is None and cache.policy.strict:
        return make()  # without a version nobody can tell whether what another makes is older than the last write
    wanted = _Wanted(cache, namespace, key, make, looked, ttl_s, tuple(tags), wait_s, lease_s)
    try:
        return wanted.join_or_lead()
    except stale_on:
        if looked.stale is None:
            raise
        return wanted.serve_stale(looked.stale)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One miss, and how its value comes to be. A new version is another flight: invalidation splits them."""

    cache: Cache
    namespace: str
    key: str
    make: Callable[[], bytes]
    looked: Looked
    ttl_s: float | None
    tags: tuple[str, ...]
    wait_s: float
    lease_s: float
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def join_or_lead(self) -> bytes:
        """Wait for the flight that is under way in this process, or lead one."""
        place = (self.cache.policy.name, self.namespace, self.key, self.looked.version)
        with _boarding:
            flight = _flights.get(place)
            if flight is None:
                mine = _flights[place] = Flight()
        if flight is None:
            return self._fly(place, mine)
        if self.looked.stale is not None:
            return self.serve_stale(self.looked.stale)
        if flight.landed.wait(self.wait_s):
            if flight.error is not None:
                raise flight.error
            if flight.value is not None:
                return flight.value
        return self._make()

    def serve_stale(self, value: bytes) -> bytes:
        self.cache.served_stale()
        return value

    def _fly(self, place: Place, flight: Flight) -> bytes:
        try:
            flight.value = self._lead()
        except Exception as problem:
            flight.error = problem
            raise
        finally:
            with _boarding:
                _flights.pop(place, None)
            flight.landed.set()
        return flight.value

    def _lead(self) -> bytes:
        """Make the value under the lease, or wait for the process that holds it."""
        if self.looked.version is None:
            return self.make()
        until, pause_s = time.monotonic() + self.wait_s, FIRST_LOOK_S
        while True:
            is_leased, made = self._lease()
            if made is None and not is_leased and self.looked.stale is not None:
                return self.serve_stale(self.looked.stale)
            if made is not None or is_leased or time.monotonic() > until:
                break
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_LOOK_S)
        try:
            return self._make() if made is None else made
        finally:
            if is_leased:
                self._release()

    def _make(self) -> bytes:
        try:
            self.cache.announce(self.namespace, self.tags)  # first: an invalidation finds what is only being made
        except AwayError:
            self.cache.failed()
        value = self.make()
        if self.looked.version is not None:
            version = self.looked.version
            self.cache.keep(self.namespace, self.key, value, version=version, ttl_s=self.ttl_s, tags=self.tags)
        return value

    @property
    def _lease_key(self) -> str:
        version = (self.looked.version or b"").decode()
        return f"{self.cache.keys(self.namespace)[0]}:lease:{version}:{self.key}"

    def _lease(self) -> tuple[bool, bytes | None]:
        """Whether the lease is ours now, and the value if somebody has made it since we looked: one round trip."""
        take = ("SET", self._lease_key, self.token, "NX", "PX", int(self.lease_s * 1000))
        try:
            taken, stored = self.cache.link.ask_all([take, self.cache.command(self.namespace, self.key)])
        except AwayError:
            return True, None  # each process makes its own
        return taken is not None, self.cache.read(stored)

    def _release(self) -> None:
        try:
            RELEASE.run(self.cache.link, (self._lease_key,), self.token)
        except AwayError:
            self.cache.failed()  # the lease runs out by itself


def _after_fork_in_child() -> None:
    """The parent's flights land in the parent."""
    global _boarding
    _flights.clear()
    _boarding = threading.Lock()


os.register_at_fork(after_in_child=_after_fork_in_child)
