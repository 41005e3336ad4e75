"""The form of a channel: what it was sent to and its secret are written, and never shown again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.urls import reverse

from monitoring.alerts import Problem
from monitoring.alerts import channels as verbs
from monitoring.console.field import Field
from monitoring.models import Channel
from monitoring.views.alerts.frame import with_problem

NAMES: Final = ("name", "kind", "target", "secret", "is_enabled", "reason")


def raw(channel: Channel | None) -> dict[str, str]:
    """Of one that exists the target and the secret stay empty."""
    blank = dict.fromkeys(NAMES, "")
    if channel is None:
        return blank | {"kind": "email", "is_enabled": "on"}
    return blank | {"name": channel.name, "kind": channel.kind, "is_enabled": "on" if channel.is_enabled else ""}


def made_of(
    channel: Channel | None, given: Mapping[str, str], problems: Mapping[str, Problem], action: str
) -> dict[str, Any]:
    def made(**field: Any) -> Field:
        return with_problem(field | {"value": given[field["name"]]}, problems)

    identity = [
        made(
            name="name", label="Name", width="half", most=60, example="on-call", hint="It never changes: rules name it."
        ),
        made(name="kind", label="Kind", kind="select", width="half", options=kinds(), hint=_unusable()),
    ]
    unseen = (
        f"Now {channel.shown}. Empty: it stays." if channel else "Addresses with commas, or a URL. It is kept sealed."
    )
    secret = "Empty: it stays." if channel else "Of a webhook's signature. Empty: one is made and shown once."
    fields = [
        *([] if channel else identity),
        made(name="target", label="To", width="wide", most=1000, example="oncall@example.com", hint=unseen),
        made(name="secret", label="Secret", kind="password", width="half", most=200, hint=secret),
        made(name="is_enabled", label="On", kind="check", width="half", example="Notifications go to it"),
        made(
            name="reason",
            label="Reason",
            kind="area",
            rows=2,
            width="wide",
            most=500,
            hint="Kept with your name. 8 characters or more.",
        ),
    ]
    return {
        "title": channel.name if channel else "New channel",
        "about": channel.get_kind_display() if channel else "somewhere to tell people",
        "fields": fields,
        "is_old": channel is not None,
        "version": channel.version if channel else 0,
        "action": action,
        "verb": "Save channel" if channel else "Make channel",
        "problem": str(problems["name"]) if channel and "name" in problems else "",
        "delete": reverse("alert-channel-delete", args=[channel.pk]) if channel else "",
    }


def kinds() -> tuple[tuple[str, str], ...]:
    """Those that work here."""
    return tuple((each.kind.value, each.label) for each in verbs.kinds() if not each.why_not)


def _unusable() -> str:
    return " ".join(f"{each.label}: {each.why_not}." for each in verbs.kinds() if each.why_not)
