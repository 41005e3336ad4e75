"""What tests of the pages of alerts ask and answer."""

from __future__ import annotations

from django.test import Client

from monitoring.models import AuditEntry

WHY = "somebody looks after it"
HTMX = {"HX-Request": "true"}


def text(client: Client, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def ask(client: Client, path: str, **chosen: str) -> str:
    """Looks at the question, answers it, and follows to where that leads."""
    assert client.get(path).status_code == 200
    assert client.post(path, chosen | {"reason": "short"}).status_code == 422
    answer = client.post(path, chosen | {"reason": WHY}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def done(action: str) -> AuditEntry:
    """What the audit log holds of it."""
    return AuditEntry.objects.get(action=action)
