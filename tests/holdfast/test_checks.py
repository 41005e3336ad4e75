"""The system checks of the settings: what they object to, and that each says what to do."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings
from django.test import override_settings

from holdfast import checks

SAFE: dict[str, Any] = {
    "HOLDFAST_ENVIRONMENT": "production",
    "DEBUG": False,
    "SECRET_KEY": "k3y-that-nobody-else-has-0123456789-abcdef",
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "ALLOWED_HOSTS": ["memory.example.com"],
    "HOLDFAST_ADMIN_PASSWORD": "",
}


def ids(**changed: Any) -> list[str]:
    with override_settings(**SAFE | changed):
        messages = checks.check()
    assert all(message.hint for message in messages), "each says what to do"
    return [str(message.id) for message in messages]


@pytest.mark.parametrize(
    ("changed", "id"),
    [
        ({"DEBUG": True}, "holdfast.E002"),
        ({"SECRET_KEY": "short"}, "holdfast.E003"),
        ({"HOLDFAST_ADMIN_PASSWORD": "changeme"}, "holdfast.E004"),
        ({"ALLOWED_HOSTS": ["*"]}, "holdfast.E005"),
        ({"ALLOWED_HOSTS": ["localhost"]}, "holdfast.W007"),
        ({"SESSION_COOKIE_SECURE": False}, "holdfast.W005"),
        ({"HOLDFAST_BODY_LIMIT": 10}, "holdfast.W001"),
        ({"TIME_ZONE": "Europe/Madrid"}, "holdfast.E001"),
        ({"HOLDFAST_DRAIN_S": 300.0}, "holdfast.W002"),
        ({"HOLDFAST_BACKUP_STAMP": "backup.stamp"}, "holdfast.W004"),
    ],
)
def test_a_setting_that_is_dangerous_or_makes_no_sense_is_named(changed: dict[str, Any], id: str) -> None:
    assert ids() == []
    assert ids(**changed) == [id]


def test_what_only_production_needs_is_left_alone_elsewhere() -> None:
    assert ids(HOLDFAST_ENVIRONMENT="local", DEBUG=True, ALLOWED_HOSTS=["*"]) == []
    assert ids(HOLDFAST_ENVIRONMENT="prod-eu", DEBUG=True) == ["holdfast.E002"]


def test_a_broker_that_evicts_is_refused() -> None:
    assert checks.check_services() == []
    client = redis.Redis(unix_socket_path=urlsplit(settings.CELERY_BROKER_URL).path)
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        (found,) = checks.check_services()
    finally:
        client.config_set("maxmemory-policy", "noeviction")
        client.close()
    assert found.id == "holdfast.E006"
