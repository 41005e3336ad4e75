"""`make bench-search`: every strategy on scopes of all sizes, and the planner's choice against the best of them."""

from __future__ import annotations

import argparse
import time

import django

from bench import server

USERS, MEMORIES, QUESTIONS = 1_000, 100_000, 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=USERS, help=f"{USERS:,} when left out")
    parser.add_argument("--memories", type=int, default=MEMORIES, help=f"of all users together; {MEMORIES:,}")
    parser.add_argument("--questions", type=int, default=QUESTIONS, help=f"of each measured user; {QUESTIONS}")
    asked = parser.parse_args()
    with server.services():
        django.setup()
        from bench.search import measure, report, store  # models exist only now

        began = time.perf_counter()
        stored = store.store(users=asked.users, memories=asked.memories)
        report.stored(stored)
        measured = measure.measure(stored, questions=asked.questions)
        report.measured(measured)
        print(f"\n{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
