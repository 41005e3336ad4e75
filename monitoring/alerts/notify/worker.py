"""The notifier: a thread of the aggregator's process, so that alerts leave when the broker is away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import psycopg
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from monitoring.alerts.channels import DeliveryError, send
from monitoring.alerts.judge.watch import evaluated
from monitoring.alerts.notify.deliver import deliver
from monitoring.alerts.notify.plan import plan
from monitoring.models import Alert, Channel, Evaluation, Notification, Silence

PLAN_EVERY: Final = timedelta(seconds=5)
BEAT_EVERY: Final = timedelta(seconds=60)
KEPT: Final = timedelta(days=90)
ALERTS_KEPT: Final = timedelta(days=396)
PRUNE_EVERY: Final = timedelta(hours=1)
PRUNED: Final = 1000  # rows of a kind at a time
WAIT_LIMIT_S: Final = 5.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Notifier:
    """What is done each second, and when the rest was done last."""

    planned_at: datetime | None = None
    pruned_at: datetime | None = None

    def tick(self, clock: Callable[[], datetime] = timezone.now) -> None:
        """Plans, sends, beats; once an hour forgets."""
        now = clock()
        if self.planned_at is None or now - self.planned_at >= PLAN_EVERY:
            plan(now)
            beat(now)
            self.planned_at = now
        deliver(clock=clock)
        if self.pruned_at is None or now - self.pruned_at >= PRUNE_EVERY:
            prune(now)
            self.pruned_at = now


def beat(now: datetime) -> int:
    """The dead man's switch: tells heartbeat channels once a minute that alerts are evaluated, and only while they are.

    Whoever receives it raises the alarm when it stays away. How many were told.
    """
    channels = list(Channel.objects.filter(is_enabled=True, kind=Channel.Kind.HEARTBEAT))
    if not channels or (state := evaluated(now)).is_late:
        return 0
    due = Q(beaten_at=None) | Q(beaten_at__lte=now - BEAT_EVERY)
    if not Evaluation.objects.filter(due, pk=Evaluation.ONLY).update(beaten_at=now):
        return 0
    message = {"about": "heartbeat", "at": now.isoformat(), "evaluated_age_s": round(state.age_s, 1)}
    for channel in channels:
        try:
            send(channel, message, now=now)
        except DeliveryError as problem:
            Channel.objects.filter(pk=channel.pk).update(failed_at=now, error=str(problem)[:200])
        else:
            Channel.objects.filter(pk=channel.pk).update(delivered_at=now, error="")
    return len(channels)


def prune(now: datetime) -> None:
    """Deletes some of what nobody asks for any more."""
    for rows in (
        Notification.objects.filter(created_at__lt=now - KEPT).order_by("created_at"),
        Alert.objects.filter(resolved_at__lt=now - ALERTS_KEPT).order_by("resolved_at"),
        Silence.objects.filter(ends_at__lt=now - KEPT).order_by("ends_at"),
    ):
        ids = list(rows.values_list("pk", flat=True)[:PRUNED])
        if ids:
            rows.model._default_manager.filter(pk__in=ids).delete()


@dataclass(slots=True)
class Worker:
    """Keeps the notifier's thread alive: asked each second by the aggregator, which knows nothing else of it."""

    notifier: Notifier = field(default_factory=Notifier)
    thread: threading.Thread | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def tick(self, second: int) -> None:
        """Starts the thread where it doesn't run."""
        if self.stopping.is_set() or (self.thread is not None and self.thread.is_alive()):
            return
        self.thread = threading.Thread(target=self.run, name="alerts-notify", daemon=True)
        self.thread.start()

    def run(self) -> None:
        """Each second, until asked to stop. Outlives outages of PostgreSQL."""
        wait_s = 1.0
        while not self.stopping.is_set():
            try:
                self.notifier.tick()
                wait_s = 1.0
            except (DatabaseError, psycopg.Error) as problem:
                if wait_s == 1.0:
                    logger.warning("event=notifier_waiting error=%s", type(problem).__name__)
                connection.close()
                wait_s = min(wait_s * 2, WAIT_LIMIT_S)
            self.stopping.wait(wait_s - (time.time() % 1 if wait_s == 1.0 else 0))
        connection.close()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Ends the thread after what it is sending."""
        self.stopping.set()
        if self.thread is not None:
            self.thread.join(timeout_s)
