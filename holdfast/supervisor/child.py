"""One child process: in a session of its own, so that it can be ended with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from holdfast.supervisor.output import Output

LAUNCHER = Path(__file__).with_name("launch.py")
READ_OUT_S = 2.0


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run, and how to treat its end.

    `start_after_s`: how long others, started with it, go first, at most. `quit_after_s`: when a stop takes longer, ask
    again with SIGQUIT. `variables`: what its environment has besides, where the user's own does not say otherwise.
    """

    name: str
    command: tuple[str, ...]
    is_restarted: bool = True
    is_prefixed: bool = True
    start_after_s: float = 0.0
    quit_after_s: float | None = None
    variables: tuple[tuple[str, str], ...] = ()


class Child:
    """A running child. Start it from the main thread only: the kernel's death signal follows the starting thread."""

    def __init__(self, spec: ChildSpec, *, environment: Mapping[str, str], folder: Path, output: Output) -> None:
        self.spec = spec
        self.lines: list[str] = []
        self._output = output
        self._process = subprocess.Popen(
            # -I and -S: the launcher needs no packages, and starts in a few milliseconds without them.
            [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), *spec.command],
            cwd=folder,
            env=dict(spec.variables) | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._reader: threading.Thread = output.follow(self._process.stdout, self._write)

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        return self._process.poll()

    def send(self, number: signal.Signals) -> None:
        """Signal the child alone; it knows how to end its own."""
        self._process.send_signal(number)

    def end(self) -> None:
        """Kill what is left of the child and of its group, and read its output to the end."""
        # Nobody may be left; macOS says so with EPERM when only zombies are.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(READ_OUT_S)

    def ending(self) -> str:
        """In words how it ended."""
        code = self._process.returncode
        if code is not None and code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    def _write(self, line: str) -> None:
        if self.spec.is_prefixed:
            self._output.line(self.spec.name, line)
        else:
            self.lines.append(line)
            self._output.plain(line)
