"""Serve with granian, and drain before stopping: workers say that they aren't ready while they still serve.

    python -m holdfast.supervisor.web --host 0.0.0.0 --port 8000 --workers 2

granian's own command stops its workers as soon as it is asked to. A load balancer that still sends requests here then
sees them fail, until its next probe. HOLDFAST_DRAIN_S is the time that it needs to notice.
"""

from __future__ import annotations

import argparse
import os
import signal
import time
from contextlib import suppress
from typing import Any, Final

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from holdfast import env

TARGET: Final = "holdfast.wsgi:application"
DRAIN: Final = signal.SIGUSR1  # what monitoring.health.probes.draining listens to
THREADS: Final = 2
BACKLOG: Final = 4096
KILL_AFTER_S: Final = 5
LOOK_S: Final = 0.05


class DrainingServer(MPServer):
    """granian's server with a time between the wish to stop and the end. A second signal ends it at once."""

    def __init__(self, *, drain_s: float, **options: Any) -> None:
        super().__init__(TARGET, **options)
        self._drain_s = drain_s
        self._asked = 0

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        self._asked += 1
        super().signal_handler_interrupt(*args, **kwargs)  # type: ignore[no-untyped-call]

    def shutdown(self, exit_code: int = 0) -> None:
        if self._asked and self._drain_s:
            self._drain()
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]

    def _drain(self) -> None:
        for worker in self.wrks:
            with suppress(ProcessLookupError):
                os.kill(worker.inner.pid, DRAIN)
        end = time.monotonic() + self._drain_s
        while self._asked < 2 and time.monotonic() < end:
            time.sleep(LOOK_S)


def serve(*, host: str, port: int, workers: int, drain_s: float) -> None:
    """Serve until SIGTERM or SIGINT."""
    DrainingServer(
        drain_s=drain_s,
        address=host,
        port=port,
        workers=workers,
        interface=Interfaces.WSGI,
        blocking_threads=THREADS,
        backlog=BACKLOG,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_AFTER_S,
    ).serve()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve Holdfast's web pages and API.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen at (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: %(default)s)")
    wanted = parser.parse_args()
    drain_s = env.number("HOLDFAST_DRAIN_S", 0.0, least=0.0, most=300.0)
    serve(host=wanted.host, port=wanted.port, workers=wanted.workers, drain_s=drain_s)


if __name__ == "__main__":
    main()
