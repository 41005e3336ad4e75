"""`make bench-flags`: what a question costs, how fast a toggle is seen, a thousand flags, and their page, in one run.

Prints tables in Markdown with the target of each figure, and whether it is met.
"""

from __future__ import annotations

import argparse
import time

import django

from bench import server
from bench.monitoring import table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--toggles", type=int, default=40, help="seen by eight processes, with Redis")
    parser.add_argument("--toggles-without", type=int, default=15, help="the same without Redis")
    asked = parser.parse_args()
    began = time.perf_counter()
    with server.services():
        django.setup()
        from bench import asking, flags_cohorts, toggling  # models exist only now

        asking.prepare()
        head = ("one evaluation", "p50 µs", "p99 µs", "x a dict look-up", "target", "")
        table("Evaluation", head, asking.evaluation())
        table("The page of 50 flags", ("page", "p50 ms", "p95 ms", "target", ""), asking.page())
        table("A snapshot of 1,000 flags", ("what", "", "target", ""), asking.thousand())
        table("Cohorts", flags_cohorts.HEAD, flags_cohorts.rows())
        columns = (
            "toggle to effect in 4 web and 4 worker processes",
            "p50 ms",
            "p99 ms",
            "most ms",
            "errors",
            "target",
            "",
        )
        table("Toggles", columns, toggling.measure(asked.toggles, asked.toggles_without))
    print(f"\nAll of it took {time.perf_counter() - began:.0f} s.")


if __name__ == "__main__":
    main()
