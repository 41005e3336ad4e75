"""System checks of the settings: what would be dangerous or make no sense in production, and what to do about it.

In any other environment than production, what only production needs is left alone by `manage.py check`; readiness
counts it everywhere. Those that ask a service run with `manage.py check --deploy`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.core import checks

from monitoring.health.readiness import Curve, Level, Measured, Rule, register
from monitoring.metrics.flush import connect

PRODUCTION: Final = re.compile(r"prod(uction)?([-_].*)?", re.IGNORECASE)
KEY_LENGTH: Final = 32
PASSWORD_LENGTH: Final = 12
COMMON: Final = {"admin", "holdfast", "password", "changeme", "secret"}
BODY_LEAST, BODY_MOST = 16 * 1024, 256 * 1024 * 1024
LONG_DRAIN_S: Final = 120.0
Message = checks.CheckMessage


def is_production() -> bool:
    """Whether the environment is called production (or prod, or production-eu)."""
    return bool(PRODUCTION.fullmatch(settings.HOLDFAST_ENVIRONMENT))


def check(app_configs: Any = None, **_: Any) -> list[Message]:
    """What is wrong with the settings; in production also what would be dangerous there."""
    return [*sense(), *(security() if is_production() else ())]


def check_services(app_configs: Any = None, **_: Any) -> list[Message]:
    """What services are configured with; asks them."""
    return list(broker())


def sense() -> Iterator[Message]:
    """Values that can't be meant, wherever this runs."""
    if not BODY_LEAST <= settings.HOLDFAST_BODY_LIMIT <= BODY_MOST:
        message = f"HOLDFAST_BODY_LIMIT is {settings.HOLDFAST_BODY_LIMIT:,} bytes."
        hint = f"Set it between {BODY_LEAST:,} and {BODY_MOST:,}: messages must fit, and memory must not be filled."
        yield checks.Warning(message, hint, id="holdfast.W001")
    if settings.TIME_ZONE != "UTC" or not settings.USE_TZ:
        hint = "Keep TIME_ZONE = 'UTC' and USE_TZ = True: people choose their zone in the console."
        yield checks.Error("Times must be kept in UTC.", hint, id="holdfast.E001")
    if settings.HOLDFAST_DRAIN_S > LONG_DRAIN_S:
        message = f"HOLDFAST_DRAIN_S is {settings.HOLDFAST_DRAIN_S:g} seconds."
        hint = f"Over {LONG_DRAIN_S:g} s most orchestrators kill the process before it has drained."
        yield checks.Warning(message, hint, id="holdfast.W002")
    if settings.CELERY_BROKER_URL and settings.CELERY_BROKER_URL == settings.REDIS_URL:
        hint = "Give CELERY_BROKER_URL a Redis of its own with maxmemory-policy noeviction."
        yield checks.Warning("The broker is the cache's Redis, which may evict hints.", hint, id="holdfast.W003")
    stamp = settings.HOLDFAST_BACKUP_STAMP
    if stamp and not Path(stamp).is_absolute():
        hint = "Name it with its whole path: processes have different folders."
        yield checks.Warning(f"HOLDFAST_BACKUP_STAMP is the relative path {stamp!r}.", hint, id="holdfast.W004")


def security() -> Iterator[Message]:
    """What must not be so where strangers can reach it."""
    yield from _django()
    yield from _secrets()
    yield from _reach()


def _django() -> Iterator[Message]:
    if settings.DEBUG:
        hint = "Set HOLDFAST_DEBUG=false: error pages show settings and code to whoever causes one."
        yield checks.Error("Django's debug pages are on in production.", hint, id="holdfast.E002")
    if not (settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE):
        hint = "Set HOLDFAST_HTTPS=true and serve over HTTPS only."
        yield checks.Warning("Session cookies also travel over plain HTTP.", hint, id="holdfast.W005")


def _secrets() -> Iterator[Message]:
    if len(settings.SECRET_KEY) < KEY_LENGTH or len(set(settings.SECRET_KEY)) < 5:
        hint = f"Set HOLDFAST_SECRET_KEY to {KEY_LENGTH} random characters or more, the same on all machines."
        yield checks.Error("The secret key is too short to be secret.", hint, id="holdfast.E003")
    kept = Path(settings.HOLDFAST_DIR) / "secret_key"
    if kept.exists() and kept.read_text().strip() == settings.SECRET_KEY:
        hint = "Set HOLDFAST_SECRET_KEY: another machine would make another one, and sign people out."
        message = "The secret key was generated on this machine and is kept in its data folder."
        yield checks.Warning(message, hint, id="holdfast.W006")
    password = settings.HOLDFAST_ADMIN_PASSWORD
    if password and (len(password) < PASSWORD_LENGTH or password.lower() in COMMON):
        hint = f"Choose {PASSWORD_LENGTH} characters or more, or leave it out: then a random one is made."
        yield checks.Error("HOLDFAST_ADMIN_PASSWORD can be guessed.", hint, id="holdfast.E004")


def _reach() -> Iterator[Message]:
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Name the hosts in HOLDFAST_HOSTS: with '*' anybody's name in a link is believed."
        yield checks.Error("Every host name is served.", hint, id="holdfast.E005")
    elif all(host in {"localhost", "127.0.0.1", "[::1]"} for host in settings.ALLOWED_HOSTS):
        hint = "Name the hosts in HOLDFAST_HOSTS: requests to any other are refused."
        yield checks.Warning("Only this machine's own names are served.", hint, id="holdfast.W007")


def broker() -> Iterator[Message]:
    """Whether the broker's Redis keeps what it is given; another broker is not asked."""
    address = urlsplit(settings.CELERY_BROKER_URL)
    if address.scheme not in {"redis", "rediss", "redis+socket"}:
        return
    is_socket = address.scheme == "redis+socket"  # Celery's word for a Redis behind a unix socket
    client = connect(f"unix://{address.path}" if is_socket else settings.CELERY_BROKER_URL)
    try:
        policy = str(client.config_get("maxmemory-policy").get("maxmemory-policy", ""))
    except redis.RedisError as problem:
        hint = "See that it runs, and that its user may call CONFIG GET."
        message = f"The broker could not be asked for its eviction policy ({type(problem).__name__})."
        yield checks.Warning(message, hint, id="holdfast.W008")
        return
    finally:
        client.close()
    if policy not in {"noeviction", ""}:
        hint = "Set maxmemory-policy noeviction on it: one that evicts loses hints, and work waits for the dispatcher."
        yield checks.Error(f"The broker evicts ({policy}).", hint, id="holdfast.E006")


def faults(now: datetime) -> Measured:
    """How many of the security checks object, wherever this runs."""
    return Measured(float(len(list(security()))), now)


def register_all() -> None:
    """With Django, and as a rule of readiness."""
    checks.register(check)
    checks.register(check_services, deploy=True)
    register(
        Rule(
            name="security",
            title="Settings that are unsafe in production",
            component="security",
            weight=5,
            measure=faults,
            curve=Curve.falling(0, 5),
            unit="",
            limit="none",
            advice="Run `HOLDFAST_ENVIRONMENT=production manage.py check --deploy`: it says what to set, and why.",
            level=Level.GOLD,
        )
    )
