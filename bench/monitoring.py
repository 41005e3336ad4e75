"""`make bench-monitoring`: what measuring costs, and what pages cost on a month of history, in one run.

Prints tables in Markdown with the target of each figure, and whether it is met. `--quick` leaves out the requests to
real servers; `--plans` shows how PostgreSQL does the slowest query of each page that misses its target.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence

import django

from bench import server, toll

Row = Sequence[str]
TIMED = ("p50 ms", "p95 ms", "target", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="no requests to real servers")
    parser.add_argument("--plans", action="store_true", help="plans of slow pages' slowest queries")
    asked = parser.parse_args()
    began = time.perf_counter()
    table("Recording", ("call", "ns", "x empty"), recording())
    with server.services():
        key = server.manage("api_key", "create", "bench")
        if not asked.quick:
            on_off = ("request", "on ms", "off ms", "more", "spread", "target", "")
            table("A request with monitoring and without, p50", on_off, (each.row for each in toll.measure(key)))
        django.setup()
        from bench import history, judged, pages  # models exist only now

        table("Sending, merging, storing", ("step", *TIMED), judged.sending())
        print(f"\nA month of fifty series was made in {history.generate(now=int(time.time())):.0f} s.")
        table("Reading a month", ("read", *TIMED), judged.reads())
        found = pages.measure()
        head = ("page", "range", "p50 ms", "p95 ms", "queries", "their p95 ms", "target", "")
        table("Pages, each answer worked out anew", head, judged.page_rows(found))
        table("Data", ("what", *TIMED), judged.data(key))
        if asked.plans:
            judged.print_plans(found)
    print(f"\nAll of it took {time.perf_counter() - began:.0f} s.")


def recording() -> Iterator[Row]:
    """In a process of its own: it switches recording off."""
    command = [sys.executable, "-m", "bench.observe", "--json"]
    told = subprocess.run(command, cwd=server.ROOT, check=True, capture_output=True, text=True).stdout
    figures: dict[str, float] = json.loads(told)
    for name, cost in figures.items():
        yield name, f"{cost:.0f}", f"{cost / figures['empty call']:.1f}"


def table(title: str, head: Row, rows: Iterable[Row]) -> None:
    print(f"\n### {title}\n\n| {' | '.join(head)} |\n|{'|'.join('---' for _ in head)}|", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
