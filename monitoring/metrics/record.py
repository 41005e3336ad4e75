"""Recording: each thread adds to its own maps without a lock; `drain` takes what is new in all of them.

A map only grows and only its thread writes it. The drain copies it (one step under the interpreter's lock) and
subtracts the copy of the drain before, so no map is ever swapped under a writer: unlocked sharing loses up to half of
the increments, and a swap can lose those in flight.
"""

from __future__ import annotations

import os
import re
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import ContextDecorator
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil, isnan, log2
from time import perf_counter
from types import TracebackType
from typing import Final

from django.conf import settings

from monitoring.metrics.sketch import Sketch, bucket, clamp

SERIES_LIMIT: Final = 1_000  # names per process; what is recorded beyond is counted in DROPPED
DROPPED: Final = "metrics.dropped"
MOST: Final = 1e15  # of a counter in one flush, and of a gauge: what JSON and single precision still tell
NAME: Final = re.compile(r"[a-z0-9._-]{1,100}")
_SECONDS: Final = 1 << 20  # the key in a map of buckets that holds the sum of seconds


class Kind(StrEnum):
    """What a series holds. A name keeps the kind with which it was first recorded."""

    LATENCY = "latency"
    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(slots=True)
class Delta:
    """What was recorded since the drain before."""

    latencies: dict[str, Sketch] = field(default_factory=dict)
    counters: dict[str, float] = field(default_factory=dict)
    gauges: dict[str, float] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """The number of observations plus the number of counters and gauges."""
        return sum(sketch.count for sketch in self.latencies.values()) + len(self.counters) + len(self.gauges)


class _Life:
    """Lives as long as its thread; maps are kept until drained after it is gone."""

    __slots__ = ("__weakref__",)


class _Maps(threading.local):
    """The maps of the current thread."""

    def __init__(self) -> None:
        self.latencies: dict[str, dict[int, float]] = {}
        self.counters: dict[str, float] = {}
        self.life = _Life()
        with _state.lock:
            _state.threads.append(_Thread(weakref.ref(self.life), self.latencies, self.counters))


@dataclass(slots=True)
class _Thread:
    """The maps of one thread as the drain sees them: cumulative, and what of them is drained already."""

    life: weakref.ref[_Life]
    latencies: dict[str, dict[int, float]]
    counters: dict[str, float]
    drained: dict[str, dict[int, float]] = field(default_factory=dict)
    drained_counters: dict[str, float] = field(default_factory=dict)

    def take(self, delta: Delta) -> None:
        for name, buckets in list(self.latencies.items()):
            now, before = dict(buckets), self.drained.get(name, {})
            if now != before:
                _add(delta.latencies.setdefault(name, Sketch()), now, before)
                self.drained[name] = now
        counters = dict(self.counters)
        for name, value in list(counters.items()):
            by = value - self.drained_counters.get(name, 0)
            if not abs(by) <= MOST:  # nor is NaN
                # begun anew: nothing can be told from such a sum any more
                self.counters.pop(name, None)
                del counters[name]
                drop(1)
            elif by:
                delta.counters[name] = delta.counters.get(name, 0) + by
        self.drained_counters = counters


def _add(sketch: Sketch, now: dict[int, float], before: dict[int, float]) -> None:
    for index, n in now.items():
        more = n - before.get(index, 0)
        if index == _SECONDS:
            sketch.seconds += more
        elif more:
            index = clamp(index)
            sketch.buckets[index] = sketch.buckets.get(index, 0) + int(more)


class _State:
    """What the threads of this process share, replaced whole in a forked child."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # reentrant: a signal handler may record while its thread registers a series
        self.threads: list[_Thread] = []
        self.kinds: dict[str, Kind] = {DROPPED: Kind.COUNTER}
        self.gauges: dict[str, float] = {}
        self.dropped = 0


_state = _State()
_maps = _Maps()
_enabled = True
_on_first: list[Callable[[], None]] = []


def observe(name: str, seconds: float) -> None:
    """Adds one duration to a latency series. Never raises: what can't be recorded is counted in `metrics.dropped`."""
    if _enabled:
        try:
            buckets = _maps.latencies[name]
            buckets[ceil(log2(seconds) * 32)] += 1
            buckets[_SECONDS] += seconds
        except (KeyError, ValueError, OverflowError):
            _observe_rare(name, seconds)


def observe_all(name: str, seconds: Sequence[float]) -> None:
    """Adds many durations to a latency series, at half the cost of one by one. Never raises, as `observe`."""
    if not _enabled or not seconds:
        return
    observe(name, seconds[0])  # which admits the name
    buckets = _maps.latencies.get(name, {})
    for each in seconds[1:]:
        try:
            buckets[ceil(log2(each) * 32)] += 1
            buckets[_SECONDS] += each
        except (KeyError, ValueError, OverflowError):
            _observe_rare(name, each)


def count(name: str, by: float = 1) -> None:
    """Adds to a counter. Never raises: NaN, and more than 10^15 in a second, are counted in `metrics.dropped`."""
    if _enabled:
        try:
            _maps.counters[name] += by
        except KeyError:
            if _admit(name, Kind.COUNTER):
                _maps.counters[name] = _maps.counters.get(name, 0) + by


def sample(name: str, value: float) -> None:
    """Sets a gauge's value of this second; the next flush carries it. Of several processes the last one's stays.

    Never raises: NaN, and values beyond 10^15, are counted in `metrics.dropped`.
    """
    if _enabled and _admit(name, Kind.GAUGE):
        with _state.lock:
            if abs(value) <= MOST:
                _state.gauges[name] = value
            else:
                _state.dropped += 1


def timed(name: str) -> Timed:
    """Context manager and decorator: observes the duration, and counts NAME.errors when an exception leaves it."""
    return Timed(name)


class Timed(ContextDecorator):
    __slots__ = ("began", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.began = 0.0

    def _recreate_cm(self) -> Timed:
        # One instance a call: a decorated function runs in many threads, and inside itself
        return Timed(self.name)

    def __enter__(self) -> None:
        self.began = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        observe(self.name, perf_counter() - self.began)
        if kind is not None:
            count(f"{self.name}.errors")


def enable() -> None:
    global _enabled
    _enabled = True


def disable() -> None:
    """Switches recording off in this process."""
    global _enabled
    _enabled = False


def on_first_record(start: Callable[[], None]) -> None:
    """Has `start` called when a thread meets a series for the first time. It must be cheap and safe to call often."""
    _on_first.append(start)


def forget_names() -> None:
    """Makes room for other names than those recorded so far. What is recorded already is kept."""
    with _state.lock:
        _state.kinds = {DROPPED: Kind.COUNTER}


def drop(records: int) -> None:
    """Counts records that were lost in `metrics.dropped`."""
    with _state.lock:
        _state.dropped += records


def drain() -> Delta:
    """Takes what all threads recorded since the last call, those that ended since included."""
    delta = Delta()
    with _state.lock:
        for thread in list(_state.threads):
            ended = thread.life() is None  # asked before the copy: a thread that ends later is drained again
            thread.take(delta)
            if ended:
                _state.threads.remove(thread)
        delta.gauges, _state.gauges = _state.gauges, {}
        if _state.dropped:
            delta.counters[DROPPED] = delta.counters.get(DROPPED, 0) + _state.dropped
            _state.dropped = 0
    return delta


def _observe_rare(name: str, seconds: float) -> None:
    """The first observation of a thread in a series or a bucket, and durations that have no logarithm."""
    if isnan(seconds):
        drop(1)
    elif _admit(name, Kind.LATENCY):
        buckets = _maps.latencies.setdefault(name, {_SECONDS: 0.0})
        index = bucket(seconds)
        buckets[index] = buckets.get(index, 0) + 1
        buckets[_SECONDS] += min(max(seconds, 0), 1 << 20)


def _admit(name: str, kind: Kind) -> bool:
    """Whether the process may record this series; what may not is counted."""
    if not getattr(settings, "HOLDFAST_METRICS", True):
        disable()
        return False
    for start in _on_first:
        start()
    with _state.lock:
        known = _state.kinds.get(name)
        if known is None and len(_state.kinds) <= SERIES_LIMIT and NAME.fullmatch(name):
            known = _state.kinds[name] = kind
        if known is not kind:
            _state.dropped += 1
        return known is kind


def _after_fork_in_child() -> None:
    """The parent flushes what it recorded; the child begins with nothing, and with locks that nobody holds."""
    global _state, _maps
    _state = _State()
    _maps = _Maps()


os.register_at_fork(after_in_child=_after_fork_in_child)
