"""`make bench-pipeline`: jobs, batches, an outage, breakers, providers' guard and caches, in one run on one machine."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

import django

from bench import processing, server

# each prints its own table; they need no database
ALONE = ("bench.breakers", "bench.guard", "bench.caches")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=processing.USERS, help="of the processing's backlog")
    parser.add_argument("--rounds", type=int, default=processing.ROUNDS, help="of the processing")
    asked = parser.parse_args()
    with server.services():
        django.setup()
        from bench import degraded, jobs  # models exist only now

        head("Jobs")
        jobs.report()
        head("Messages")
        processing.report(processing.measure(users=asked.users, rounds=asked.rounds))
        head("An outage of the embedding provider")
        degraded.report()
        for module in ALONE:
            head(module.removeprefix("bench.").capitalize())
            subprocess.run([sys.executable, "-m", module], cwd=server.ROOT, env=os.environ, check=False)


def head(title: str) -> None:
    print(f"\n== {title}", flush=True)


if __name__ == "__main__":
    main()
