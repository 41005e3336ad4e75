"""Chat and paging services through apprise, where that package is installed: hosted ones only, by their schema.

A schema with a host of its own, or one that acts on this machine, could be turned against the network that we are in.
"""

from __future__ import annotations

import importlib.util
from typing import Final

from monitoring.alerts.channels.errors import DeliveryError
from monitoring.alerts.channels.message import Message, body, subject

SCHEMAS: Final = ("discord", "gchat", "msteams", "opsgenie", "pagerduty", "pover", "slack", "tgram", "twilio", "zulip")
URL_LENGTH: Final = 500


def why_not() -> str:
    """Why it can't be used here; empty where it can."""
    return "" if importlib.util.find_spec("apprise") else "the package apprise is not installed"


def checked(url: str) -> str:
    """The URL. Raises ValueError."""
    schema, mark, rest = url.partition("://")
    if not mark or not rest or schema not in SCHEMAS or len(url) > URL_LENGTH:
        raise ValueError(f"an apprise URL begins with one of {', '.join(SCHEMAS)}, and ://")
    return url


def shown(url: str) -> str:
    return f"{url.partition('://')[0]}://…"


def send(url: str, message: Message) -> str:
    """Sends it by whatever service the URL names. Raises DeliveryError."""
    if problem := why_not():
        raise DeliveryError(problem)
    import apprise  # costs 300 ms and 45 MB, which only those pay who use it

    service = apprise.Apprise()
    if not service.add(checked(url)):
        raise DeliveryError("apprise does not understand the URL", is_permanent=True)
    if not service.notify(title=subject(message), body=body(message), body_format=apprise.NotifyFormat.TEXT):
        raise DeliveryError("apprise could not deliver it")
    return "apprise delivered it"
