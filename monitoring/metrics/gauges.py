"""Gauges: values that others register and the aggregator asks for every five seconds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from django.db import connections

from monitoring.metrics import record

INTERVAL_S: Final = 5.0
TIMEOUT_S: Final = 2.0
ERRORS: Final = "metrics.gauge_errors"

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Source:
    """One registered reader and the thread that is asking it."""

    label: str
    read: Callable[[], Mapping[str, float]]
    thread: threading.Thread | None = None
    is_failing: bool = False

    def is_busy(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def ask(self) -> None:
        try:
            values = self.read()
            for name, value in values.items():
                record.sample(name, float(value))
            self.is_failing = False
        except Exception as error:  # noqa: BLE001 -- any app's code runs here, and one must not silence the others
            self.fail(repr(error))
        finally:
            connections.close_all()  # those of this short-lived thread

    def fail(self, why: str) -> None:
        record.count(ERRORS)
        if not self.is_failing:
            logger.warning("gauge=%s error=%s", self.label, why)
        self.is_failing = True


_sources: dict[str, _Source] = {}


def register_gauge(name: str, read: Callable[[], float]) -> None:
    """Has the aggregator sample `read()` as gauge `name`. Registering a name again replaces it."""
    _sources[name] = _Source(name, lambda: {name: read()})


def register_gauges(read: Callable[[], Mapping[str, float]]) -> None:
    """Has the aggregator sample every value of `read()`, {gauge name: value}: for several that one query answers."""
    label = f"{read.__module__}.{read.__qualname__}"
    _sources[label] = _Source(label, read)


def poll(*, timeout_s: float = TIMEOUT_S) -> None:
    """Asks every source at once and waits `timeout_s` in all. One that still runs then is left alone until it ends."""
    asked = [source for source in list(_sources.values()) if not source.is_busy()]
    for source in asked:
        source.thread = threading.Thread(target=source.ask, name=f"gauge-{source.label}", daemon=True)
        source.thread.start()
    deadline = time.monotonic() + timeout_s
    for source in asked:
        assert source.thread is not None
        source.thread.join(max(0.0, deadline - time.monotonic()))
        if source.is_busy():
            source.fail(f"no answer within {timeout_s} s")
