"""Makes, changes, tests and deletes channels. What leads somewhere is sealed before it is stored."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from monitoring import audit
from monitoring.alerts.channels import apprise, hooks, mail
from monitoring.alerts.channels import message as messages
from monitoring.alerts.channels.errors import DeliveryError
from monitoring.alerts.channels.send import kinds, send
from monitoring.alerts.channels.wire.seal import seal
from monitoring.alerts.errors import ConflictError, Problem, RefusedError
from monitoring.ids import uuid7
from monitoring.models import AlertRule, Channel

Kind = Channel.Kind
NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,59}")
SECRET_LENGTH: Final = 200
CHANNELS: Final = 50
SIGNED: Final = {Kind.WEBHOOK, Kind.HEARTBEAT}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a test message."""

    ok: bool
    answer: str
    took_ms: float


def create(
    *,
    name: str,
    kind: str,
    target: str,
    actor: str,
    reason: str,
    now: datetime,
    secret: str = "",
    is_enabled: bool = True,
) -> Channel:
    """A channel; where it signs and no secret is given, one is made, to be shown once: `new_secret`.

    Raises RefusedError. Looks up the target's name, so it takes up to two seconds.
    """
    problems = {}
    if not NAME.fullmatch(name):
        problems["name"] = Problem("a name has small letters, digits and hyphens", "Such as on-call")
    if kind not in Kind.values:
        raise RefusedError(
            problems | {"kind": Problem(f"{kind!r} is no kind of channel", f"One of {', '.join(Kind.values)}")}
        )
    missing = next(each.why_not for each in kinds() if each.kind == kind)
    if missing:
        problems["kind"] = Problem(missing, "Set it up, or choose another kind")
    problems |= _problems(kind, target, secret)
    if problems:
        raise RefusedError(problems)
    if kind in SIGNED and not secret:
        secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        if Channel.objects.filter(name=name).exists():
            raise RefusedError.one("name", f"there is a channel {name} already", f"Such as {name}-2")
        if Channel.objects.count() >= CHANNELS:
            raise RefusedError.one("name", f"there are {CHANNELS} channels already", "Delete one that nobody needs")
        sealed = {"target": seal(target.strip()), "secret": seal(secret), "shown": _shown(kind, target)}
        channel = Channel.objects.create(name=name, kind=kind, is_enabled=is_enabled, created_at=now, **sealed)
        audit.record(actor=actor, action="channel.create", subject=name, after=_told(channel), reason=reason, at=now)
    channel.new_secret = secret if kind in SIGNED else ""
    return channel


def change(
    channel_id: UUID,
    *,
    version: int,
    actor: str,
    reason: str,
    now: datetime,
    target: str | None = None,
    secret: str | None = None,
    is_enabled: bool | None = None,
) -> Channel:
    """The channel with what is given changed; the rest stays. Raises RefusedError, ConflictError, DoesNotExist."""
    before = Channel.objects.get(pk=channel_id)
    if problems := _problems(before.kind, target, secret or ""):
        raise RefusedError(problems)
    values: dict[str, Any] = {}
    if target is not None:
        values |= {"target": seal(target.strip()), "shown": _shown(before.kind, target), "error": ""}
    if secret:
        values["secret"] = seal(secret)
    if is_enabled is not None:
        values["is_enabled"] = is_enabled
    with transaction.atomic():
        if not Channel.objects.filter(pk=channel_id, version=version).update(version=version + 1, **values):
            raise ConflictError(Channel.objects.get(pk=channel_id))
        after = Channel.objects.get(pk=channel_id)
        was, became = _told(before), _told(after) | {"secret_changed": bool(secret)}
        audit.record(
            actor=actor, action="channel.change", subject=before.name, before=was, after=became, reason=reason, at=now
        )
    return after


@transaction.atomic
def delete(channel_id: UUID, *, actor: str, reason: str, now: datetime) -> None:
    """Deletes it with what it still had to tell. Raises RefusedError while rules name it."""
    channel = Channel.objects.get(pk=channel_id)
    rules = list(AlertRule.objects.filter(channels__contains=[channel.name]).values_list("name", flat=True)[:5])
    if rules:
        raise RefusedError.one("name", f"the rules {', '.join(rules)} send to {channel.name}", "Change those first")
    channel.delete()
    audit.record(
        actor=actor, action="channel.delete", subject=channel.name, before=_told(channel), reason=reason, at=now
    )


def test(channel_id: UUID, *, actor: str, now: datetime) -> Outcome:
    """Sends a test message now and says what happened. Raises Channel.DoesNotExist."""
    channel = Channel.objects.get(pk=channel_id)
    began = time.perf_counter()
    try:
        answer, is_ok = send(channel, messages.test(uuid7(), now=now), now=now), True
    except DeliveryError as problem:
        answer, is_ok = str(problem), False
    took_ms = 1000 * (time.perf_counter() - began)
    audit.record(
        actor=actor, action="channel.test", subject=channel.name, after={"ok": is_ok, "answer": answer}, at=now
    )
    return Outcome(is_ok, f"{answer[0].upper()}{answer[1:]}", took_ms)


def _problems(kind: str, target: str | None, secret: str) -> dict[str, Problem]:
    problems = {}
    if target is not None:
        try:
            {Kind.EMAIL: mail.addresses, Kind.APPRISE: apprise.checked}.get(Kind(kind), hooks.checked)(target.strip())
        except ValueError as problem:
            problems["target"] = Problem(str(problem))
    if len(secret) > SECRET_LENGTH or (secret and len(secret) < 16):
        problems["secret"] = Problem(
            f"a secret has 16 to {SECRET_LENGTH} characters", "Leave it empty to have one made"
        )
    return problems


def _shown(kind: str, target: str) -> str:
    text = target.strip()
    if kind == Kind.EMAIL:
        return ", ".join(mail.addresses(text))[:200]
    return (apprise.shown(text) if kind == Kind.APPRISE else hooks.shown(text))[:200]


def _told(channel: Channel) -> dict[str, Any]:
    return {"kind": channel.kind, "target": channel.shown, "is_enabled": channel.is_enabled}
