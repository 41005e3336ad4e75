"""Who acts in these tests, signed in, and what they are told."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.test import Client

from flags.change import Person

BO = Person("bo", may_change=True, may_approve=True)


def signed_in(name: str, *codes: str) -> Client:
    user = User.objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="flags", codename__in=codes))
    client = Client()
    client.force_login(user)
    return client


def operator(name: str = "ana") -> Client:
    return signed_in(name, "view_flag", "change_flag")


def approver(name: str = "ada") -> Client:
    return signed_in(name, "view_flag", "change_flag", "approve_flag")


def viewer(name: str = "vic") -> Client:
    return signed_in(name, "view_flag")


def page(response: Any) -> str:
    return str(response.content.decode())


def message(response: Any) -> str:
    """What the page says that the answer leads to, with the address of its undo."""
    assert response.status_code == 302, page(response)
    *_, last = get_messages(response.wsgi_request)
    return f"{last} {last.extra_tags}"
