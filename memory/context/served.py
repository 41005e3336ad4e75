"""Counts which memories were told, how far up and beside how many: kept in the process, written once a second.

A process that is killed loses what it counted since it last wrote, at most about a second. Answers out of the cache
count too: in a busy second a sample of them, each for as many as it stands for.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import orjson
from django.db import DatabaseError, connection

from memory.context.parts import Part
from monitoring import metrics

EVERY_S: Final = 1.0
MOST: Final = 20_000  # memories counted between two writings
SAMPLE: Final = 100  # answers out of the cache that are read between two writings

BEGINNING: Final = datetime.min.replace(tzinfo=UTC)

log = logging.getLogger(__name__)

# In the order of the primary key, so that two processes that write at once wait for each other in one direction.
# A memory that is gone by now is left out.
WRITE_SQL = """
INSERT INTO memory_served (id, created_at, memory_id, day, times, ranks, "of", tokens, last_at)
SELECT row.id, now(), of.id, row.day, row.times, row.ranks, row.beside, row.tokens, row.last_at
FROM unnest(%(ids)s::uuid[], %(memories)s::uuid[], %(days)s::date[], %(times)s::int[], %(ranks)s::bigint[],
  %(beside)s::bigint[], %(tokens)s::bigint[], %(last)s::timestamptz[])
  AS row (id, memory, day, times, ranks, beside, tokens, last_at)
JOIN memory_memory AS of ON of.id = row.memory
ORDER BY of.id, row.day
ON CONFLICT (memory_id, day) DO UPDATE SET times = memory_served.times + excluded.times,
  ranks = memory_served.ranks + excluded.ranks, "of" = memory_served."of" + excluded."of",
  tokens = memory_served.tokens + excluded.tokens, last_at = greatest(memory_served.last_at, excluded.last_at)
"""


@dataclass(slots=True)
class _Count:
    times: int = 0
    ranks: int = 0
    beside: int = 0
    tokens: int = 0
    last_at: datetime = BEGINNING


class Served:
    """What one process has told since it last wrote."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[uuid.UUID, date], _Count] = {}
        self._answers: list[bytes] = []
        self._again = 0

    def note(self, parts: Iterable[Part], *, now: datetime, times: int = 1) -> None:
        """The memories among these parts were told."""
        self.add([(part.id, part.tokens) for part in parts if part.kind == "memory"], now=now, times=times)

    def add(self, memories: Sequence[tuple[uuid.UUID, int]], *, now: datetime, times: int = 1) -> None:
        """These memories, with their tokens, were told in this order."""
        today, beside = now.date(), len(memories)
        with self._lock:
            for rank, (id, tokens) in enumerate(memories, 1):
                count = self._counts.get((id, today))
                if count is None:
                    if len(self._counts) >= MOST:
                        metrics.count("served.dropped")
                        continue
                    count = self._counts[id, today] = _Count()
                count.times += times
                count.ranks += rank * times
                count.beside += beside * times
                count.tokens += tokens * times
                count.last_at = max(count.last_at, now)

    def again(self, answer: bytes) -> None:
        """An answer out of the cache was given. Takes no lock, since it is on the shortest way: a count may be lost."""
        self._again += 1
        if len(self._answers) < SAMPLE:
            self._answers.append(answer)

    def write(self, *, now: datetime) -> int:
        """Add what was counted to the rows of the days; how many memories. Raises DatabaseError, and keeps nothing."""
        answers, self._answers = self._answers, []
        again, self._again = self._again, 0
        self._read(answers, again, now)
        with self._lock:
            counts, self._counts = self._counts, {}
        if counts:
            with connection.cursor() as cursor:
                cursor.execute(WRITE_SQL, _columns(counts))
        return len(counts)

    def _read(self, answers: Sequence[bytes], again: int, now: datetime) -> None:
        """Count what the sampled answers told; the first ones stand for what is left when it is shared out."""
        each, more = divmod(max(again, len(answers)), len(answers) or 1)
        for place, answer in enumerate(answers):
            told = [part for part in orjson.loads(answer)["parts"] if part["kind"] == "memory"]
            memories = [(uuid.UUID(part["id"]), part["tokens"]) for part in told]
            self.add(memories, now=now, times=each + (place < more))


def _columns(counts: dict[tuple[uuid.UUID, date], _Count]) -> dict[str, Any]:
    return {
        "ids": [uuid.uuid4() for _ in counts],
        "memories": [id for id, _ in counts],
        "days": [day for _, day in counts],
        "times": [count.times for count in counts.values()],
        "ranks": [count.ranks for count in counts.values()],
        "beside": [count.beside for count in counts.values()],
        "tokens": [count.tokens for count in counts.values()],
        "last": [count.last_at for count in counts.values()],
    }


_served = Served()
_started: threading.Thread | None = None


def note(parts: Iterable[Part], *, now: datetime) -> None:
    """The memories among these parts were told."""
    _served.note(parts, now=now)


def again(answer: bytes) -> None:
    """An answer that was assembled before was given again."""
    _served.again(answer)


def write(*, now: datetime) -> int:
    """Write now what this process counted; how many memories."""
    return _served.write(now=now)


def keep_writing() -> None:
    """Start this process's thread that writes once a second. Call it in the process that serves, after its fork."""
    global _started
    if _started is None:
        _started = threading.Thread(target=_run, name="served", daemon=True)
        _started.start()


def _run() -> None:
    while True:
        time.sleep(EVERY_S)
        try:
            write(now=datetime.now(UTC))
        except DatabaseError as problem:
            metrics.count("served.failed")
            log.warning("event=served_not_written error=%s", type(problem).__name__)
        finally:
            connection.close()  # back into the pool: requests need it more


def _after_fork_in_child() -> None:
    """The parent writes what the parent counted."""
    global _served, _started
    _served, _started = Served(), None


os.register_at_fork(after_in_child=_after_fork_in_child)
