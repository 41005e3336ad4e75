"""`python -m memory.providers.simulator`: the simulated provider without Django, which it does not need."""

from __future__ import annotations

import argparse
import sys
from functools import partial

from memory.providers.simulator.cli import SimulatorError, act, add_arguments


def main() -> None:
    """Read the command line and act."""
    parser = argparse.ArgumentParser(prog="simulator", description="A provider that can be broken on purpose.")
    add_arguments(parser)
    try:
        act(vars(parser.parse_args()), write=partial(print, flush=True))
    except SimulatorError as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
