"""`make bench-quality`: how much of what was said is found again, and what is seen as the same."""

from __future__ import annotations

import argparse

from bench.quality import dedupe, retrieval


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("retrieval", "dedupe"), help="one half of it")
    only = parser.parse_args().only
    if only != "dedupe":
        print("\n== Messages found again", flush=True)
        retrieval.main([])
    if only != "retrieval":
        print("\n== Facts seen as the same", flush=True)
        print(dedupe.report())


if __name__ == "__main__":
    main()
