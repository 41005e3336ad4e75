"""E-mail, by the server that HOLDFAST_EMAIL_URL names: smtp://user:password@host:587?tls=true, or smtps://."""

from __future__ import annotations

import smtplib
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.core import checks
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.core.validators import validate_email

from monitoring.alerts.channels.errors import DeliveryError
from monitoring.alerts.channels.message import Message, body, subject

TIMEOUT_S: Final = 8
ADDRESSES: Final = 20
AUTHENTICATION: Final = 535  # may be put right on the server, so it is tried again


def addresses(target: str) -> list[str]:
    """The addresses of a target. Raises ValueError."""
    found = [part.strip() for part in target.replace("\n", ",").split(",") if part.strip()]
    if not 1 <= len(found) <= ADDRESSES:
        raise ValueError(f"give 1 to {ADDRESSES} addresses, with commas between them")
    for each in found:
        try:
            validate_email(each)
        except ValidationError:
            raise ValueError(f"{each[:80]!r} is no e-mail address") from None
    return found


def send(target: str, message: Message) -> str:
    """Sends to all addresses; what the server said. Raises DeliveryError."""
    backend = EmailBackend(**server(), timeout=TIMEOUT_S, fail_silently=False)
    line = " ".join(subject(message).split())  # a header has one line
    mail = EmailMessage(line, body(message), settings.HOLDFAST_EMAIL_FROM, addresses(target), connection=backend)
    # the same for each attempt, so that a mailbox can tell a repetition
    mail.extra_headers["Message-ID"] = f"<{message['id']}@holdfast>"
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as problem:
        codes = [code for code, _ in problem.recipients.values()]
        raise DeliveryError(f"the server refused all addresses ({codes[0]})", is_permanent=min(codes) >= 500) from None
    except smtplib.SMTPResponseException as problem:
        is_permanent = problem.smtp_code >= 500 and problem.smtp_code != AUTHENTICATION
        raise DeliveryError(f"the mail server answered {problem.smtp_code}", is_permanent=is_permanent) from None
    except (smtplib.SMTPException, OSError) as problem:
        raise DeliveryError(f"the mail server could not be reached: {type(problem).__name__}") from None
    return f"the mail server took it for {len(mail.to)}"


def server() -> dict[str, Any]:
    """What Django's backend wants to know. Raises DeliveryError where no server is named."""
    if problem := why_not():
        raise DeliveryError(problem)
    parts = urlsplit(settings.HOLDFAST_EMAIL_URL)
    is_ssl = parts.scheme == "smtps"
    return {
        "host": parts.hostname,
        "port": parts.port or (465 if is_ssl else 25),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_ssl": is_ssl,
        "use_tls": not is_ssl and parse_qs(parts.query).get("tls", [""])[0] in {"1", "true", "yes"},
    }


def check(**given: Any) -> list[checks.CheckMessage]:
    """A mail server that is named must be one that can be reached by its name."""
    if settings.HOLDFAST_EMAIL_URL and (problem := why_not()):
        return [checks.Error(problem, "Use smtps:// for a server that speaks TLS from the start.", id="holdfast.E061")]
    return []


def why_not() -> str:
    """Why no mail can be sent from here; empty where it can."""
    if not settings.HOLDFAST_EMAIL_URL:
        return "HOLDFAST_EMAIL_URL names no mail server"
    try:
        parts = urlsplit(settings.HOLDFAST_EMAIL_URL)
        is_one = parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    return "" if is_one else "HOLDFAST_EMAIL_URL must look like smtp://user:password@host:587?tls=true"
