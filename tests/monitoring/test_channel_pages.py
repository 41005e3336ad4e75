"""The page of channels: what is sent where, and what became of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from monitoring.models import Alert, Channel, Notification
from tests.monitoring.alert_pages import WHY, ask, done, text
from tests.monitoring.alert_scene import (
    make_alert,
    make_channel,
    make_notification,
    make_rule,
    make_silence,
)

pytestmark = pytest.mark.django_db


def channel_form(**changed: str) -> dict[str, str]:
    given = {"name": "incident-bot", "kind": "webhook", "target": "http://127.0.0.1:9/in", "is_enabled": "on"}
    return given | {"reason": WHY} | changed


def test_a_channel_is_made_its_secret_shown_once_and_never_again(operator: Client, settings: Any) -> None:
    settings.HOLDFAST_PRIVATE_WEBHOOKS = True
    page = operator.post("/alerts/channels/", channel_form()).content.decode()
    assert "it is shown only once" in page
    channel = Channel.objects.get(name="incident-bot")
    secret = page.split('<span class="mono">')[1].split("</span>")[0]
    assert len(secret) >= 16
    seen = text(operator, f"/alerts/channels/{channel.pk}/")
    assert secret not in seen
    assert channel.target not in seen
    answer = operator.post(f"/alerts/channels/{channel.pk}/", {"version": "1", "reason": WHY})
    assert answer.status_code == 302
    channel.refresh_from_db()
    assert not channel.is_enabled
    assert done("channel.change").reason == WHY


def test_a_channel_to_a_private_address_is_refused_in_words(operator: Client) -> None:
    answer = operator.post("/alerts/channels/", channel_form())
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not Channel.objects.exists()


def test_deliveries_tell_state_tries_and_error_and_a_dead_one_is_sent_again(operator: Client) -> None:
    now = timezone.now()
    channel = make_channel(kind="slack", error="503 Service Unavailable", failed_at=now)
    alert = make_alert(make_rule(), now=now)
    dead = make_notification(channel, alert, now=now, state="dead", attempts=8, error="503 Service Unavailable")
    make_notification(channel, alert, now=now)
    page = text(operator, "/alerts/channels/?state=dead")
    assert "Given up" in page
    assert "8 of" in page
    assert "503 Service Unavailable" in page
    assert "is sent to on-call again" in ask(operator, f"/alerts/deliveries/{dead.pk}/retry/")
    dead.refresh_from_db()
    assert dead.state == Notification.State.WAITING
    assert "is deleted" in ask(operator, f"/alerts/channels/{channel.pk}/delete/")


def test_who_may_not_change_channels_sees_why(viewer: Client) -> None:
    channel = make_channel()
    silence = make_silence(now=timezone.now())
    page = text(viewer, "/alerts/channels/")
    assert 'title="Needs the permission to change channels"' in page
    for path in (f"channels/{channel.pk}/test/", f"channels/{channel.pk}/delete/", f"silences/{silence.pk}/end/"):
        assert viewer.get(f"/alerts/{path}").status_code == 403
    assert viewer.post("/alerts/channels/", channel_form()).status_code == 403
    assert viewer.post("/alerts/silences/", {"labels": "a=b"}).status_code == 403
    assert Alert.objects.count() == 0
