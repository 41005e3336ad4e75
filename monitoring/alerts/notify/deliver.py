"""Empties the outbox: each row is leased, sent, and marked; one whose sender died is sent again."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from monitoring import audit
from monitoring.alerts.channels import DeliveryError, send
from monitoring.alerts.errors import RefusedError
from monitoring.models import Channel, Notification

State = Notification.State

ATTEMPTS: Final = 8  # over about half an hour
FIRST_WAIT_S: Final = 10.0
LONGEST_WAIT_S: Final = 900.0
LEASE: Final = timedelta(seconds=120)  # longer than the longest sending
AT_ONCE: Final = 8
THREADS: Final = 4

logger = logging.getLogger(__name__)


def deliver(*, clock: Callable[[], datetime] = timezone.now, chance: random.Random | None = None) -> int:
    """Sends what is due, at most a few; how many were tried. Sends at least once: a crash before a mark repeats one."""
    claimed = claim(clock())
    if not claimed:
        return 0
    with ThreadPoolExecutor(THREADS, thread_name_prefix="alerts-send") as pool:
        outcomes = list(pool.map(lambda row: _try(row, clock()), claimed))
    for row, problem in zip(claimed, outcomes, strict=True):
        settle(row, problem, clock(), chance or random.Random())
    return len(claimed)


def claim(now: datetime) -> list[Notification]:
    """Takes what is due, the oldest of each group and channel first, so that "resolved" never overtakes "firing"."""
    undone = Q(state=State.WAITING, due_at__lte=now) | Q(state=State.SENDING, lease_until__lte=now)
    older = Notification.objects.filter(
        group=OuterRef("group"),
        channel=OuterRef("channel"),
        state__in=[State.WAITING, State.SENDING],
        id__lt=OuterRef("id"),
    )
    with transaction.atomic():
        due = (
            Notification.objects.select_for_update(skip_locked=True, of=("self",)).filter(undone).exclude(Exists(older))
        )
        rows = list(due.select_related("channel").order_by("id")[:AT_ONCE])
        Notification.objects.filter(pk__in=[row.pk for row in rows]).update(
            state=State.SENDING, lease_until=now + LEASE, attempts=F("attempts") + 1
        )
    for row in rows:
        row.attempts += 1
    return rows


def settle(row: Notification, problem: DeliveryError | None, now: datetime, chance: random.Random) -> None:
    """Writes down what became of it, unless its lease ran out and somebody else has it by now."""
    mine = Notification.objects.filter(pk=row.pk, state=State.SENDING, attempts=row.attempts)
    if problem is None:
        mine.update(state=State.SENT, sent_at=now, error="", lease_until=None)
        Channel.objects.filter(pk=row.channel_id).update(delivered_at=now, error="")
        return
    told = str(problem)[:200]
    is_over = problem.is_permanent or row.attempts >= ATTEMPTS
    due = now + timedelta(seconds=wait_s(row.attempts, problem.retry_after_s, chance))
    mine.update(state=State.DEAD if is_over else State.WAITING, error=told, lease_until=None, due_at=due)
    Channel.objects.filter(pk=row.channel_id).update(failed_at=now, error=told)
    logger.warning(
        "event=notification_failed channel=%s attempt=%d dead=%s error=%s",
        row.channel.name,
        row.attempts,
        is_over,
        told,
    )


def wait_s(attempts: int, retry_after_s: int | None, chance: random.Random) -> float:
    """Until the next attempt: twice as long each time, give or take a fifth; longer where the receiver asked for it."""
    doubled: float = FIRST_WAIT_S * 2.0 ** (attempts - 1)
    waited = min(doubled, LONGEST_WAIT_S) * chance.uniform(0.8, 1.2)
    return max(waited, min(float(retry_after_s or 0), LONGEST_WAIT_S))


@transaction.atomic
def retry(notification_id: UUID, *, actor: str, reason: str, now: datetime) -> Notification:
    """Tries one again that was given up. Raises RefusedError for another, Notification.DoesNotExist."""
    changed = Notification.objects.filter(pk=notification_id, state=State.DEAD).update(
        state=State.WAITING, attempts=0, due_at=now, error=""
    )
    row = Notification.objects.select_related("channel").get(pk=notification_id)
    if not changed:
        raise RefusedError.one(
            "state", f"it is {row.get_state_display().lower()}", "Only one that was given up is tried again"
        )
    audit.record(actor=actor, action="notification.retry", subject=row.channel.name, reason=reason, at=now)
    return row


def _try(row: Notification, now: datetime) -> DeliveryError | None:
    """Runs in a thread of its own, and asks no database."""
    if not row.channel.is_enabled:
        return DeliveryError("the channel is switched off", is_permanent=True)
    if row.attempts > ATTEMPTS:
        return DeliveryError("its sender died again and again", is_permanent=True)
    try:
        send(row.channel, row.message, now=now)
    except DeliveryError as problem:
        return problem
    return None


def waiting() -> QuerySet[Notification]:
    """What is not delivered yet, the oldest first."""
    return (
        Notification.objects.filter(state__in=[State.WAITING, State.SENDING])
        .select_related("channel")
        .order_by("id")[:100]
    )
