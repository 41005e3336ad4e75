"""Webhooks: JSON with a signature, and what Slack, Mattermost and Rocket.Chat understand.

Holdfast-Signature: t=<epoch second>,v1=<hex of HMAC-SHA256 over "t.body" with the channel's secret>. A receiver
refuses what is older than five minutes, and knows a repetition by Holdfast-Notification.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from monitoring.addresses import UnknownHostError
from monitoring.alerts.channels.errors import DeliveryError
from monitoring.alerts.channels.message import Message, body, heading, subject
from monitoring.alerts.channels.wire import connect

URL_LENGTH: Final = 500
LOOKUP_S: Final = 2.0
AGAIN: Final = {408, 425, 429}  # the client errors that pass
COLOURS: Final = {"critical": "#d55e00", "warning": "#e69f00", "info": "#56b4e9", "resolved": "#009e73"}


def checked(url: str) -> str:
    """The URL. Raises ValueError for what is none, and for one that leads to a private address."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise ValueError("this is no URL") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(url) > URL_LENGTH:
        raise ValueError(f"a webhook is an https:// or http:// URL of at most {URL_LENGTH} characters")
    try:
        connect.allowed(parts.hostname, port, timeout_s=LOOKUP_S)
    except (connect.PrivateAddressError, UnknownHostError) as problem:
        raise ValueError(str(problem)) from None
    return url


def shown(url: str) -> str:
    """What of a URL may be seen: its path and query may hold a token."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}/…"


def send(url: str, secret: str, message: Message, *, now: datetime) -> str:
    """Posts the message as it is, signed. Raises DeliveryError."""
    packed = orjson.dumps(message)
    headers = {"Holdfast-Signature": signature(secret, packed, now=now), "Holdfast-Notification": message.get("id", "")}
    return _post(url, packed, headers)


def send_slack(url: str, message: Message) -> str:
    """Posts it as text with attachments. Raises DeliveryError."""
    attachments = [_attachment(alert) for alert in message["alerts"]]
    text = _plain(subject(message) if attachments else f"{subject(message)}\n{body(message)}")
    return _post(url, orjson.dumps({"text": text, "attachments": attachments}), {})


def signature(secret: str, packed: bytes, *, now: datetime) -> str:
    """The header's value."""
    stamp = int(now.timestamp())
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + packed, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def _post(url: str, packed: bytes, headers: dict[str, str]) -> str:
    parts = urlsplit(url)
    given = {
        "Host": parts.netloc.rpartition("@")[2],
        "Content-Type": "application/json",
        "Content-Length": str(len(packed)),
        "User-Agent": "Holdfast",
        **headers,
    }
    try:
        answer = connect.post(url, packed, given)
    except connect.PrivateAddressError as problem:
        raise DeliveryError(str(problem), is_permanent=True) from None
    except connect.PROBLEMS as problem:
        raise DeliveryError(f"{parts.hostname} could not be reached: {type(problem).__name__}") from None
    if 200 <= answer.status < 300:
        return f"{parts.hostname} answered {answer.status}"
    is_permanent = answer.status < 500 and answer.status not in AGAIN
    told = f"{parts.hostname} answered {answer.status}"
    raise DeliveryError(told, is_permanent=is_permanent, retry_after_s=answer.retry_after_s)


def _attachment(alert: Message) -> dict[str, Any]:
    mark = "resolved" if alert["state"] == "resolved" else alert["severity"]
    steps = "" if mark == "resolved" else "\n".join(f"• {step}" for step in alert["recommendation"].splitlines())
    return {
        "color": COLOURS[mark],
        "fallback": _plain(heading(alert)),
        "title": _plain(heading(alert)),
        **({"title_link": alert["link"]} if alert["link"].startswith("http") else {}),
        "text": _plain(f"{mark}: {alert['said']}\n{steps}".rstrip()),
    }


def _plain(text: str) -> str:
    """As Slack wants it: nothing in it is markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
