"""People with and without the right to change alerts."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client


@pytest.fixture
def viewer(client: Client) -> Client:
    """Signed in, and nothing more."""
    client.force_login(User.objects.create_user("viewer"))
    return client


@pytest.fixture
def operator(client: Client) -> Client:
    user = User.objects.create_user("ops")
    models = ("alert", "alertrule", "silence", "channel", "notification")
    wanted = [f"{verb}_{model}" for model in models for verb in ("add", "change", "delete")]
    user.user_permissions.add(*Permission.objects.filter(codename__in=wanted))
    client.force_login(user)
    return client
