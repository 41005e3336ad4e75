"""How long after a toggle all processes evaluate by it: from the call of the verb, its commit included."""

from __future__ import annotations

import os
import queue
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import redis
from django.conf import settings
from django.utils import timezone

from bench import server
from flags import change
from flags.models import Flag

NAME, KINDS = "bench-toggle", ("web", "worker") * 4
SEEN_S, WITHOUT_S, PATIENCE_S = 1.0, 5.0, 300.0
Row = Sequence[str]
BY = change.Person.at_shell("bench")


class Asker:
    """One process, and what it has said."""

    def __init__(self, kind: str) -> None:
        command = [sys.executable, "-m", "bench.asker", kind, NAME]
        self._process = subprocess.Popen(
            command, cwd=server.ROOT, env=os.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.errors = 0
        self._said: queue.Queue[tuple[bool, float]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def saw(self, answer: bool) -> float:
        """When it first gave that answer."""
        while True:
            said, at = self._said.get(timeout=PATIENCE_S)
            if said is answer:
                return at

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, _, rest = line.partition(" ")
            if word == "error":
                self.errors += 1
            elif word in {"0", "1"}:
                self._said.put((word == "1", float(rest)))


def measure(toggles: int, toggles_without: int) -> Iterator[Row]:
    change.create(NAME, fields={"percent": 0}, by=BY, reason="For the benchmark.", now=timezone.now())
    with _askers() as askers:
        for asker in askers:
            asker.saw(False)
        yield _row("with Redis", _toggled(askers, toggles, first=True), askers, SEEN_S)
        redis.Redis.from_url(settings.REDIS_URL).shutdown(nosave=True)
        first = toggles % 2 == 0
        yield _row("Redis is down", _toggled(askers, toggles_without, first=first), askers, WITHOUT_S)


@contextmanager
def _askers() -> Iterator[list[Asker]]:
    made = [Asker(kind) for kind in KINDS]
    try:
        yield made
    finally:
        for asker in made:
            asker.end()


def _toggled(askers: list[Asker], times: int, *, first: bool) -> list[float]:
    """Milliseconds, one of each process for each toggle, sorted."""
    took = []
    for turn in range(times):
        answer = first is (turn % 2 == 0)
        time.sleep(random.uniform(0.05, 0.6))  # so that toggles don't fall in step with the polls
        seen = Flag.objects.get(name=NAME).version
        began = time.monotonic()
        change.change(
            NAME, expect=seen, edit={"everyone": answer}, by=BY, reason="For the benchmark.", now=timezone.now()
        )
        took += [(asker.saw(answer) - began) * 1000 for asker in askers]
    return sorted(took)


def _row(name: str, took: list[float], askers: list[Asker], limit_s: float) -> Row:
    p50, p99 = (took[int(share * (len(took) - 1))] for share in (0.5, 0.99))
    errors = sum(asker.errors for asker in askers)
    is_met = p99 < limit_s * 1000 and not errors
    what = f"{name}, {len(took) // len(askers)} toggles"
    target = f"p99 < {limit_s:g} s, no error"
    return what, f"{p50:.0f}", f"{p99:.0f}", f"{took[-1]:.0f}", str(errors), target, "met" if is_met else "missed"
