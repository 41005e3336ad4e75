"""Sends a message by whatever a channel is; the one door from the outbox to the outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitoring.alerts.channels import apprise, hooks, mail
from monitoring.alerts.channels.errors import DeliveryError
from monitoring.alerts.channels.message import Message
from monitoring.alerts.channels.wire.seal import SealError, unseal
from monitoring.models import Channel

Kind = Channel.Kind


@dataclass(frozen=True, slots=True)
class Usable:
    """A kind of channel; `why_not` says what is missing for it here."""

    kind: Channel.Kind
    label: str
    why_not: str


def send(channel: Channel, message: Message, *, now: datetime) -> str:
    """Sends it now and says what was answered. Asks no database. Raises DeliveryError."""
    try:
        target, secret = unseal(channel.target), unseal(channel.secret)
    except SealError as problem:
        raise DeliveryError(str(problem), is_permanent=True) from None
    try:
        match channel.kind:
            case Kind.EMAIL:
                return mail.send(target, message)
            case Kind.SLACK:
                return hooks.send_slack(target, message)
            case Kind.APPRISE:
                return apprise.send(target, message)
        return hooks.send(target, secret, message, now=now)
    except ValueError as problem:
        raise DeliveryError(str(problem), is_permanent=True) from None


def kinds() -> list[Usable]:
    """All kinds, with what keeps one from being used here."""
    missing = {Kind.EMAIL: mail.why_not(), Kind.APPRISE: apprise.why_not()}
    return [Usable(kind, str(kind.label), missing.get(kind, "")) for kind in Kind]
