"""Run a command that is asked to end when its supervisor does, even by SIGKILL.

    python -I -S launch.py SUPERVISOR_PID COMMAND...

A program of its own rather than a preexec_fn: that one would run between fork and exec, where locks that another
thread holds stay locked for ever. This file is run by its path, so it imports nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    supervisor, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # Whoever ended before the call above sends no signal.
    if os.getppid() != supervisor:
        sys.exit("The supervisor is gone.")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
