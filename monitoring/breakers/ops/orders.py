"""What operators do to breakers: rows first, for the record, then Redis, so that every process obeys."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction

from monitoring import audit
from monitoring.breakers.registry import the_registry
from monitoring.breakers.shared.store import (
    REGISTERED,
    Answer,
    Ask,
    AwayError,
    Store,
    UnknownBreakerError,
)
from monitoring.models import BreakerOverride

LONGEST: Final = timedelta(hours=24)
LEAST_REASON: Final = 8  # characters
MODE = BreakerOverride.Mode
VERBS: Final[dict[str, str]] = {
    MODE.FORCED_OPEN: "force",
    MODE.DISABLED: "disable",
    MODE.METRICS_ONLY: "shadow",
}  # in the audit log

logger = logging.getLogger(__name__)


class RefusedError(ValueError):
    """An operator's order that can't be followed: which field is wrong, and what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.faults = ((field, message),)


def force_open(name: str, *, actor: str, reason: str, until: datetime | None, now: datetime) -> BreakerOverride:
    """Refuses every call, in all processes, until then. Raises RefusedError."""
    return _override(name, MODE.FORCED_OPEN, actor=actor, reason=reason, until=until, now=now)


def disable(name: str, *, actor: str, reason: str, until: datetime | None, now: datetime) -> BreakerOverride:
    """Lets every call through, whatever fails, until then. Raises RefusedError."""
    return _override(name, MODE.DISABLED, actor=actor, reason=reason, until=until, now=now)


force_closed = disable


def metrics_only(name: str, *, actor: str, reason: str, until: datetime | None, now: datetime) -> BreakerOverride:
    """Lets every call through until then, and records when it would have opened. Raises RefusedError."""
    return _override(name, MODE.METRICS_ONLY, actor=actor, reason=reason, until=until, now=now)


def end_override(name: str, *, actor: str, reason: str, now: datetime) -> None:
    """The breaker decides by itself again, from closed on. Raises RefusedError when nothing is overridden."""
    reason = _checked(actor, reason)
    standing = BreakerOverride.objects.filter(name=name, ended_at=None).first()
    with transaction.atomic():
        if standing is None or not _end(standing, actor=actor, reason=reason, now=now):
            raise RefusedError("name", f"{name} is not overridden")
        was = {"mode": standing.mode, "until": standing.until, "reason": standing.reason}
        _record(name, "end", was, {"mode": "none"}, actor=actor, reason=reason, now=now)
    _tell(name, "end", str(standing.pk), actor, reason)


def reset(name: str, *, actor: str, reason: str, now: datetime) -> None:
    """Closes it and forgets what it counted. Raises RefusedError when overridden, unknown, or Redis is away."""
    reason = _checked(actor, reason)
    if BreakerOverride.objects.filter(name=name, ended_at=None, until__gt=now).exists():
        raise RefusedError("name", f"{name} is overridden: end the override instead")
    if _tell(name, "reset", actor, reason) is None:
        raise RefusedError("name", f"{name} can't be reset while the shared store is unreachable; try again soon")
    _record(name, "reset", None, None, actor=actor, reason=reason, now=now)


def reconcile(store: Store, *, now: datetime) -> None:
    """Makes Redis agree with the rows: after a flush, an outage, an expiry. Raises AwayError."""
    for row in BreakerOverride.objects.filter(ended_at=None, until__lte=now):
        _end(row, actor="", reason="the override has expired", now=row.until)
    # Redis is read before the rows, since rows are written before Redis: what is new in both is never taken for stale
    names = store.listed(REGISTERED, is_scout=True)
    answers = store.ask_all([Ask("look", name, 0) for name in names], is_scout=True)
    modes = {name: answer.mode_id for name, answer in zip(names, answers, strict=True) if isinstance(answer, Answer)}
    standing = {row.name: row for row in BreakerOverride.objects.filter(ended_at=None)}
    for name, mode_id in modes.items():
        if mode_id and mode_id not in {str(row.pk) for row in standing.values()}:
            store.ask_all([Ask("end", name, 0, args=(mode_id, "", "it is not in the records"))])
    for name, row in standing.items():
        if modes.get(name) != str(row.pk):
            _publish_locked(store, row, now=now)


def _publish_locked(store: Store, row: BreakerOverride, *, now: datetime) -> None:
    """Holding the row's lock, so that whoever ends it tells Redis after this."""
    with transaction.atomic():
        locked = BreakerOverride.objects.select_for_update().filter(pk=row.pk, ended_at=None).first()
        if locked is not None:
            store.ask_all([_asked(locked.name, "override", *_words(locked, now))])


def _override(
    name: str, mode: str, *, actor: str, reason: str, until: datetime | None, now: datetime
) -> BreakerOverride:
    reason = _checked(actor, reason)
    if until is None or not now < until <= now + LONGEST:
        raise RefusedError("until", "an override needs an end within the next 24 hours")
    _check_known(name)
    row = BreakerOverride(name=name, mode=mode, actor=actor, reason=reason, since=now, until=until)
    try:
        with transaction.atomic():
            replaced = BreakerOverride.objects.filter(name=name, ended_at=None)
            replaced.update(ended_at=now, ended_by=actor, end_reason="replaced by another")
            row.save(force_insert=True)
            _record(name, VERBS[mode], None, {"mode": mode, "until": until}, actor=actor, reason=reason, now=now)
    except IntegrityError as problem:
        raise RefusedError("name", f"{name} was overridden by somebody else just now; look again") from problem
    _tell(name, "override", *_words(row, now))
    return row


def _record(
    name: str,
    verb: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    audit.record(actor=actor, action=f"breaker.{verb}", subject=name, before=before, after=after, reason=reason, at=now)


def _end(row: BreakerOverride, *, actor: str, reason: str, now: datetime) -> bool:
    """Whether it stood until now."""
    standing = BreakerOverride.objects.filter(pk=row.pk, ended_at=None)
    return bool(standing.update(ended_at=now, ended_by=actor, end_reason=reason))


def _tell(name: str, op: str, *args: str | int) -> Answer | None:
    """What the store answered; None while it is away, and the aggregator tells it of overrides later."""
    try:
        answer = the_registry().store.ask(_asked(name, op, *args))
    except AwayError:
        logger.warning("event=breaker_order_waits breaker=%s order=%s", name, op)
        return None
    except UnknownBreakerError as problem:
        raise RefusedError("name", str(problem)) from problem
    mine = the_registry().breakers.get(name)
    if mine is not None:
        mine.apply(answer)
    logger.info("event=breaker_order breaker=%s order=%s state=%s", name, op, answer.state)
    return answer


def _check_known(name: str) -> None:
    try:
        the_registry().store.ask(_asked(name, "look"))
    except AwayError:
        pass  # nobody can tell; the row waits for Redis
    except UnknownBreakerError as problem:
        raise RefusedError("name", str(problem)) from problem


def _asked(name: str, op: str, *args: str | int) -> Ask:
    mine = the_registry().breakers.get(name)
    return Ask(op, name, 0, mine.card if mine else "", "/" in name, args)


def _words(row: BreakerOverride, now: datetime) -> tuple[str, str, int, str, str]:
    left_ms = max(1, round((row.until - now).total_seconds() * 1000))
    return row.mode, str(row.pk), left_ms, row.actor, row.reason


def _checked(actor: str, reason: str) -> str:
    reason = " ".join(reason.split())
    if not actor:
        raise RefusedError("actor", "somebody must have given the order")
    if len(reason) < LEAST_REASON:
        raise RefusedError("reason", f"a reason has at least {LEAST_REASON} characters")
    return reason[:200]
