"""Runs a drill: one of a kind at a time over all processes, not too often, within its time, and always cleaned up."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from monitoring import audit
from monitoring.health.drills import results
from monitoring.health.drills.drill import Drill, FailedError
from monitoring.health.drills.registry import Spec, registered
from monitoring.models import DrillResult

PER_MINUTE: Final = 6  # runs of one drill
SUMMARY: Final = 500

logger = logging.getLogger(__name__)


class BusyError(Exception):
    """One of this kind runs already."""


class TooOftenError(Exception):
    """It ran as often as it may; `retry_after_s` says when to ask again."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def run(
    spec: Spec, *, actor: str, reason: str = "", now: datetime, clock: Callable[[], datetime] = timezone.now
) -> DrillResult:
    """Run it now and answer with what it found, which is kept. Raises BusyError, TooOftenError.

    What an earlier run left behind, because its process was killed, is removed first.
    """
    row = _begin(spec, actor=actor, reason=reason, now=now)
    drill = Drill(scope=row.scope, limit_s=spec.limit_s, spoken=spec.spoken)
    problem = _cleaned(spec, spec.prefix) or _done(spec, drill)
    left_behind = _cleaned(spec, row.scope)
    row.passed = not problem and not left_behind and all(measure.passed for measure in drill.figures)
    row.cleaned_up = not left_behind
    row.summary = _summary(drill, problem or left_behind)[:SUMMARY]
    row.steps = [step.as_dict() for step in drill.steps]
    row.figures = [measure.as_dict() for measure in drill.figures]
    row.took_ms = round((drill.clock() - drill.began) * 1000, 1)
    _end(row, now=clock())
    logger.info("event=drill drill=%s passed=%s ms=%.0f", spec.name, row.passed, row.took_ms)
    return row


def sweep(*, now: datetime) -> None:
    """Remove what killed runs left, of the drills that nobody runs now."""
    busy = results.running(now=now)
    for spec in registered():
        if spec.name not in busy:
            _cleaned(spec, spec.prefix)


def _begin(spec: Spec, *, actor: str, reason: str, now: datetime) -> DrillResult:
    scope = f"{spec.prefix}{secrets.token_hex(4)}"
    mine = DrillResult.objects.filter(name=spec.name)
    lost = mine.running().filter(started_at__lt=now - DrillResult.LOST_AFTER)
    lost.update(finished_at=now, summary="It was interrupted: its process ended before it did.")
    since = list(mine.filter(started_at__gt=now - timedelta(minutes=1)).values_list("started_at", flat=True))
    if len(since) >= PER_MINUTE:
        wait_s = max(1, 60 - int((now - min(since)).total_seconds()))
        raise TooOftenError(f"{spec.title} ran {PER_MINUTE} times within a minute. Wait {wait_s} s.", wait_s)
    try:
        with transaction.atomic():
            return DrillResult.objects.create(
                name=spec.name, scope=scope, actor=actor[:150], reason=reason[:500], started_at=now
            )
    except IntegrityError:
        raise BusyError(f"{spec.title} is running: wait for its result, at most {spec.limit_s:g} s.") from None


def _done(spec: Spec, drill: Drill) -> str:
    """Take the steps; what went wrong, if anything."""
    try:
        spec.do(drill)
    except FailedError as problem:
        return str(problem)
    except spec.spoken as problem:
        return str(problem)
    except Exception as problem:  # noqa: BLE001 - the edge of the drill: whatever went wrong is its outcome
        logger.error("event=drill_failed drill=%s error=%s", spec.name, type(problem).__name__)
        return f"It ended with {type(problem).__name__}: the log says more."
    return ""


def _cleaned(spec: Spec, scope: str) -> str:
    """Remove what the scope left; what is in the way, if anything."""
    try:
        spec.clean(scope)
    except Exception as problem:  # noqa: BLE001 - the edge of the drill: a sandbox that stays is its outcome
        logger.error("event=drill_left drill=%s scope=%s error=%s", spec.name, scope, type(problem).__name__)
        return f"What it made for itself could not be removed ({type(problem).__name__}): the next run tries again."
    return ""


def _end(row: DrillResult, *, now: datetime) -> None:
    with transaction.atomic():
        row.finished_at = now
        row.save()
        audit.record(
            actor=row.actor,
            action="drill.run",
            subject=row.name,
            after={"passed": row.passed, "took_ms": row.took_ms, "summary": row.summary},
            reason=row.reason,
            at=now,
        )


def _summary(drill: Drill, problem: str) -> str:
    if problem:
        return problem
    missed = [measure for measure in drill.figures if not measure.passed]
    if missed:
        worst = missed[0]
        than = "over" if worst.at_most else "under"
        more = f", and {len(missed) - 1} more" if len(missed) > 1 else ""
        name = worst.name[:1].upper() + worst.name[1:]
        return f"{name} is {worst.value:.4g} {worst.unit}, {than} the target of {worst.target:g}{more}."
    count = len(drill.figures)
    told = "1 figure is within its target" if count == 1 else f"{count} figures are within their targets"
    figures = f", and {told}" if count else ""
    return f"All {len(drill.steps)} steps went as they should{figures}."
