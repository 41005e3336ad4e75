"""`python -m bench.processing`: messages a second through the workers' own loop, in batches and one user at a time.

Part of `make bench-pipeline`. Two processes work off what waits for many users with a few messages each; each user has
memories already. Half of the rounds have `batch_processing` off: then each user's jobs are processed alone.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

from bench import server

USERS, MOST, POSTED = 600, 20, 2  # messages a user 1 to MOST, up to POSTED in one post: each post is a job
PROCESSES, ROUNDS = 2, 3
WORKER = """
import sys, time
import django; django.setup()
from django.utils import timezone
from memory.jobs.working import shift
from memory.tasks import _process
from memory.work.tools import from_settings
from django.db import connection
from memory.providers.base import Said
tools = from_settings()
tools.providers.embed(["warm"])
tools.providers.extract(Said("user", "I live in Leeds.", timezone.now()))
connection.ensure_connection()
print("ready", flush=True)
for line in sys.stdin:
    cpu, claimed = time.process_time(), 0
    while done := shift.start(_process, clock=timezone.now).work():
        claimed += done
    print(time.process_time() - cpu, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Round:
    """One backlog worked off: seconds of the wall clock and of the workers' processor."""

    messages: int
    took_s: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        return self.messages / self.took_s

    @property
    def item_ms(self) -> float:
        """Milliseconds per message in one process."""
        return self.took_s * PROCESSES / self.messages * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    with server.services():
        report(measure(users=asked.users, rounds=asked.rounds))


def measure(*, users: int = USERS, rounds: int = ROUNDS) -> dict[str, list[Round]]:
    """Interleaved rounds in batches and one user at a time, by what is said and how it is processed."""
    from bench import backlog  # needs Django, which needs the services' addresses

    measured: dict[str, list[Round]] = {}
    workers = [start() for _ in range(PROCESSES)]
    try:
        for round in range(rounds + 1):
            for what in backlog.SAID:
                for how, share in (("batch", 100), ("alone", 0)):
                    backlog.set_flag(share)
                    messages = backlog.pile_up(random.Random(round), what=what, users=users, most=MOST, posted=POSTED)
                    done = run(workers, messages)
                    backlog.check(messages)
                    if round:  # the first one warms up
                        measured.setdefault(f"{what}, {how}", []).append(done)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    return measured


def start() -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER], cwd=server.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    worker.stdout.readline()
    return worker


def run(workers: list[subprocess.Popen[str]], messages: int) -> Round:
    pipes: list[tuple[Any, Any]] = [(worker.stdin, worker.stdout) for worker in workers]
    time.sleep(1.1)  # the flag is seen within a second
    began = time.perf_counter()
    for to, _ in pipes:
        to.write("go\n")
        to.flush()
    cpu_s = sum(float(back.readline()) for _, back in pipes)
    return Round(messages, time.perf_counter() - began, cpu_s)


def report(measured: dict[str, list[Round]]) -> None:
    rounds = len(next(iter(measured.values())))
    print(f"\n{PROCESSES} processes, local providers, medians of {rounds} interleaved rounds")
    print(f"{'':24}{'messages/s':>12}{'ms per message':>16}{'of it CPU':>12}{'x alone':>9}")
    for name, done in measured.items():
        alone = measured[f"{name.split(',')[0]}, alone"]
        ratio = statistics.median(a.item_ms / b.item_ms for a, b in zip(alone, done, strict=True))
        per_s, item_ms = (statistics.median(getattr(r, figure) for r in done) for figure in ("per_s", "item_ms"))
        cpu_ms = statistics.median(r.cpu_s / r.messages * 1000 for r in done)
        print(f"{name:24}{per_s:12,.0f}{item_ms:16.3f}{cpu_ms:12.3f}{ratio:9.2f}")


if __name__ == "__main__":
    main()
