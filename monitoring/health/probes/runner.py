"""Runs the checks in a thread of each web process; a probe reads the last verdict and asks nobody."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Final

from django.db import connections
from django.utils import timezone

from monitoring.health.probes.registry import Check, Result, Status, registered

INTERVAL_S: Final = 10.0
STARTING_S: Final = 1.0
OLD_S: Final = 3 * INTERVAL_S  # a verdict older than this says nothing: its thread is stuck

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's last outcome. `monotonic` is when, for its age; `at`, for people."""

    check: Check
    status: Status
    value: float
    unit: str
    output: str
    at: datetime
    monotonic: float


class _Try(threading.Thread):
    """One run of a check, in a thread so that it can be left alone when it takes too long."""

    def __init__(self, check: Check) -> None:
        super().__init__(name=f"check-{check.name}", daemon=True)
        self.check = check
        self.result: Result | None = None
        self.took_s = 0.0

    def run(self) -> None:
        began = perf_counter()
        try:
            self.result = self.check.run()
        except Exception as problem:  # noqa: BLE001 - the edge of any app's check: whatever went wrong is its outcome
            # the kind alone: words of an error may name a host
            self.result = Result.bad(f"The check failed with {type(problem).__name__}; the log says more.")
            logger.warning("event=check_failed check=%s error=%s", self.check.name, _told(problem))
        finally:
            self.took_s = perf_counter() - began
            connections.close_all()  # those of this short-lived thread


class Runner:
    """One process's checks and what they last found. Its thread starts when it is asked, never before a fork."""

    def __init__(
        self,
        checks: Callable[[], Sequence[Check]] = registered,
        *,
        now: Callable[[], datetime] = timezone.now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checks = checks
        self._now = now
        self.clock = clock
        self._late: dict[str, _Try] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.findings: dict[str, Finding] = {}
        self.has_passed_once = False

    def start(self) -> None:
        """Starts the thread unless it runs. Cheap when it does."""
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._keep, name="health", daemon=True)
                    self._thread.start()

    def stop(self) -> None:
        """Ends the thread, and waits for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(OLD_S)

    def round(self) -> None:
        """Runs every check once, one after the other, so that they need one database connection among them.

        A check that takes longer than it may is left alone until it ends, and has failed meanwhile.
        """
        checks = self._checks()
        findings = {check.name: self._found(check) for check in checks}
        self.findings = findings  # replaced as a whole: probes read it without a lock
        if all(finding.status is not Status.FAIL for finding in findings.values()):
            self.has_passed_once = True

    def _keep(self) -> None:
        while not self._stop.is_set():
            self.round()
            # what waits for the start looks often
            self._stop.wait(INTERVAL_S if self.has_passed_once else STARTING_S)

    def _found(self, check: Check) -> Finding:
        attempt = self._late.pop(check.name, None)
        if attempt is None:
            attempt = _Try(check)
            attempt.start()
            attempt.join(check.timeout_s)
        if attempt.is_alive():
            self._late[check.name] = attempt
            return self._finding(check, Result.bad(f"No answer within {check.timeout_s:g} s."), check.timeout_s)
        assert attempt.result is not None
        return self._finding(check, attempt.result, attempt.took_s)

    def _finding(self, check: Check, result: Result, took_s: float) -> Finding:
        status = result.status
        if status is Status.FAIL and not check.is_required:
            status = Status.WARN
        value, unit = (took_s * 1000, "ms") if result.value is None else (result.value, result.unit)
        return Finding(check, status, value, unit, result.output, self._now(), self.clock())


def _told(problem: Exception) -> str:
    """The error in one line: PostgreSQL's second one quotes values."""
    return (f"{type(problem).__name__}: {problem}".splitlines() or [type(problem).__name__])[0]


_runner = Runner()


def the_runner() -> Runner:
    """This process's."""
    return _runner


def _after_fork_in_child() -> None:
    """The parent's thread is the parent's, and so is what it found."""
    global _runner
    _runner = Runner()


os.register_at_fork(after_in_child=_after_fork_in_child)
