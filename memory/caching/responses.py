"""Answers of models: found by the very request, or by a question that means the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory.caching.cache import Cache
from memory.caching.store.link import AwayError
from monitoring import metrics

LEAST: Final = 0.93  # cosine; the veto, not this, keeps questions apart that differ in a number or a negation
CANDIDATES: Final = 5  # looked at, nearest first
TABLES: Final = 32  # namespaces whose vectors a process keeps, each of at most the cache's entries

Vector = NDArray[np.float32]
Veto = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Similar:
    """A kept answer, the question that it was given to, and how near that is to the one asked (cosine)."""

    value: bytes
    question: str
    similarity: float


Stamp = tuple[bytes | None, bytes | None]  # the namespace's version, and the number of changes of its vectors


@dataclass(slots=True)
class _Group:
    """The entries of one model: row n of `rows` is the vector of key n and question n."""

    keys: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)
    vectors: Vector | None = None

    def nearest(self, vector: Vector, least: float) -> list[tuple[int, float]]:
        """Places and cosines of the nearest, best first."""
        if self.vectors is None:
            self.vectors = np.frombuffer(b"".join(self.rows), np.float16).reshape(len(self.rows), -1).astype(np.float32)
        cosines = self.vectors @ np.asarray(vector, dtype=np.float32)
        order = np.argsort(-cosines)[:CANDIDATES]
        return [(int(place), float(cosines[place])) for place in order if cosines[place] >= least]


@dataclass(frozen=True, slots=True)
class _Table:
    """The vectors of a namespace as of `stamp`, by model and length."""

    stamp: Stamp
    groups: Mapping[tuple[str, int], _Group]


_tables: OrderedDict[str, _Table] = OrderedDict()
_shelf = threading.Lock()


def keep_answer(
    cache: Cache,
    namespace: str,
    key: str,
    value: bytes,
    *,
    question: str,
    vector: Vector,
    model: str,
    version: bytes | None = None,
    ttl_s: float | None = None,
    tags: Sequence[str] = (),
) -> bool:
    """Keep an answer so that similar questions find it, too. `model` is what is compared by (embedding and chat model).

    `vector` is the question's, of length 1; one without direction (an empty question) is kept for the exact key only.
    """
    record = _record(model, question, vector) if vector.any() else b""
    return cache.keep(namespace, key, value, version=version, ttl_s=ttl_s, tags=tags, vector=record)


def find_similar(
    cache: Cache, namespace: str, *, question: str, vector: Vector, model: str, veto: Veto, least: float = LEAST
) -> Similar | None:
    """The answer to the nearest question of the same model with a cosine of at least `least`, or None.

    `veto(a, b)` says that two questions ask different things however near they are: numbers, dates, negation. It is
    asked for each candidate. Counts `similar` and `vetoed`; a hit or miss was counted by the exact look-up before.
    """
    try:
        table = _table(cache, namespace)
    except AwayError:
        cache.failed()
        return None
    group = table.groups.get((model, len(vector)))
    if group is None or not vector.any():
        return None
    for place, similarity in group.nearest(vector, least):
        if veto(question, group.questions[place]):
            metrics.count(f"cache.{cache.policy.name}.vetoed")
            continue
        value = cache.get(namespace, group.keys[place], misses=False)
        if value is not None:
            metrics.count(f"cache.{cache.policy.name}.similar")
            return Similar(value, group.questions[place], similarity)
    return None


def _table(cache: Cache, namespace: str) -> _Table:
    """The namespace's vectors, read again only when they have changed. Raises AwayError."""
    entries, _, _, vectors = cache.keys(namespace)
    version, changes = cache.link.ask_all([("HGET", entries, "v"), ("HGET", vectors, "#")])
    stamp: Stamp = (version, changes)
    with _shelf:
        table = _tables.get(entries)
        if table is not None:
            _tables.move_to_end(entries)
    if table is None or table.stamp != stamp:
        table = _read(cache, vectors, stamp)
        with _shelf:
            _tables[entries] = table
            while len(_tables) > TABLES:
                _tables.popitem(last=False)
    return table


def _read(cache: Cache, vectors: str, stamp: Stamp) -> _Table:
    flat = cache.link.ask("HGETALL", vectors)
    groups: dict[tuple[str, int], _Group] = {}
    for name, record in zip(flat[::2], flat[1::2], strict=True):
        if name != b"#":
            model, question, row = record.split(b"\0", 2)
            group = groups.setdefault((model.decode(), len(row) // 2), _Group())
            group.keys.append(name.decode()[1:])
            group.questions.append(question.decode())
            group.rows.append(row)
    return _Table(stamp, groups)


def _record(model: str, question: str, vector: Vector) -> bytes:
    plain = question.replace("\0", " ")
    return b"\0".join((model.encode(), plain.encode(), np.asarray(vector, dtype=np.float16).tobytes()))
