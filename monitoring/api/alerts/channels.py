"""Channels: where notifications go, and a test of one. Targets and secrets are never answered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from monitoring.alerts import channels
from monitoring.api.alerts.asked import Cursor, Limit, found, naming_the_field, newest_first, operator
from monitoring.api.alerts.schemas import Channels, Tested
from monitoring.models import Channel

router = Router(tags=["alerts"])
SAME = ("id", "name", "kind", "is_enabled", "delivered_at", "failed_at", "error")


@router.get("", response=Channels, url_name="alert_channels")
def list_channels(request: HttpRequest, limit: Limit, cursor: Cursor) -> dict[str, Any]:
    """Channels, newest first, each with how its last delivery went."""
    page, following = newest_first(Channel.objects.all(), cursor=cursor, limit=limit)
    items = [{name: getattr(each, name) for name in SAME} | {"target": each.shown} for each in page]
    return {"items": items, "next": following}


@router.post("/{uuid:id}/test", response=Tested, url_name="alert_channel_test")
def test_channel(request: HttpRequest, id: UUID) -> Any:
    """Send a real test message now, and answer what the channel said."""
    actor = operator(request)
    with naming_the_field():
        return channels.test(found(Channel.objects.all(), id).pk, actor=actor, now=timezone.now())
