"""Silences and maintenance windows: whom nobody is to be told about, since when, until when, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from monitoring import audit
from monitoring.alerts.errors import Problem, RefusedError
from monitoring.alerts.people.matchers import Matcher, checked, labels_of, match_all, of, packed, parse, unpacked
from monitoring.formats import age
from monitoring.models import Alert, Silence

LONGEST: Final = timedelta(days=30)
AHEAD: Final = timedelta(days=90)
STANDING: Final = 200
PREVIEWED: Final = 200

__all__ = ["Matcher", "create", "end", "of", "parse", "preview", "silencing"]


def preview(matchers: Sequence[Matcher], now: datetime) -> list[Alert]:
    """The open alerts that they match now, worst first."""
    checked(matchers)
    rows = Alert.objects.open().worst_first()[:PREVIEWED]
    return [alert for alert in rows if match_all(matchers, labels_of(alert))]


@transaction.atomic
def create(
    *,
    matchers: Sequence[Matcher],
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    actor: str,
    now: datetime,
    is_maintenance: bool = False,
) -> Silence:
    """A silence; one that starts later, or that is told to be, is a maintenance window. Raises RefusedError."""
    checked(matchers)
    if problems := _times(starts_at, ends_at, reason, now):
        raise RefusedError(problems)
    if Silence.objects.filter(ends_at__gt=now).count() >= STANDING:
        raise RefusedError.one("matchers", f"there are {STANDING} silences already", "End one that nobody needs")
    silence = Silence.objects.create(
        matchers=packed(matchers),
        author=actor,
        reason=reason.strip()[:200],
        starts_at=max(starts_at, now),
        ends_at=ends_at,
        created_at=now,
        is_maintenance=is_maintenance or starts_at > now,
    )
    after = {"starts_at": silence.starts_at, "ends_at": ends_at}
    audit.record(actor=actor, action="silence.create", subject=_told(matchers), after=after, reason=reason, at=now)
    return silence


@transaction.atomic
def end(silence_id: UUID, *, actor: str, reason: str, now: datetime) -> Silence:
    """Ends it now; one that has ended stays as it is. Raises Silence.DoesNotExist."""
    silence = Silence.objects.select_for_update().get(pk=silence_id)
    if silence.ends_at > now:
        before = {"ends_at": silence.ends_at}
        silence.ends_at, silence.ended_by = now, actor
        silence.starts_at = min(silence.starts_at, now)
        silence.save(update_fields=["ends_at", "ended_by", "starts_at"])
        subject = _told(unpacked(silence.matchers))
        audit.record(
            actor=actor,
            action="silence.end",
            subject=subject,
            before=before,
            after={"ends_at": now},
            reason=reason,
            at=now,
        )
    return silence


def silencing(alerts: Iterable[Alert], now: datetime) -> dict[UUID, Silence]:
    """For each alert that is silenced the silence that lasts longest."""
    standing = [(unpacked(each.matchers), each) for each in Silence.objects.active_at(now).order_by("-ends_at")]
    found: dict[UUID, Silence] = {}
    for alert in alerts:
        labels = labels_of(alert)
        for matchers, silence in standing:
            if match_all(matchers, labels):
                found[alert.pk] = silence
                break
    return found


def _times(starts_at: datetime, ends_at: datetime, reason: str, now: datetime) -> dict[str, Problem]:
    problems = {}
    if not reason.strip():
        problems["reason"] = Problem("a silence needs its reason", "Say what is being done meanwhile")
    if ends_at <= max(starts_at, now):
        problems["ends_at"] = Problem("it would end before it begins", "Let it end later")
    elif ends_at - max(starts_at, now) > LONGEST:
        problems["ends_at"] = Problem(f"a silence lasts at most {age(LONGEST.total_seconds())}", "Or disable the rule")
    if starts_at > now + AHEAD:
        problems["starts_at"] = Problem(f"it may begin at most {age(AHEAD.total_seconds())} from now")
    return problems


def _told(matchers: Iterable[Matcher]) -> str:
    return ", ".join(map(str, matchers))
