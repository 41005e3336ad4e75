from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from monitoring import events
from monitoring.models import Event


@pytest.fixture
def ops(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("ops"))
    return client


def happen(kind: str = "breaker", *, minutes: int = 5, text: str = "Chat opened", tone: str = "crit") -> Event:
    at = timezone.now() - timedelta(minutes=minutes)
    return events.record(kind=kind, text=text, at=at, tone=tone, actor="ops" if tone == "hand" else "")


def test_events_are_listed_by_day_and_lead_to_the_page_of_their_time(ops: Client) -> None:
    happen(), happen("flag", minutes=60, text="enhanced_prompts 25 % <b>", tone="hand"), happen(minutes=26 * 60)
    page = ops.get("/events/")
    text = page.content.decode()
    board = page.context["board"]
    assert sum(len(day.lines) for day in board.days) == 2, "a day is shown"
    assert "enhanced_prompts 25 % &lt;b&gt;" in text
    assert board.days[0].lines[0].href.startswith("/breakers/?range=")
    assert ops.get(board.days[0].lines[0].href).status_code == 200
    assert {strip.kind: strip.total for strip in board.strips} == {"breaker": 1, "flag": 1}
    assert sum(len(day.lines) for day in ops.get("/events/?range=7d").context["board"].days) == 3


def test_events_are_filtered_and_read_a_page_at_a_time(ops: Client) -> None:
    moment = timezone.now() - timedelta(minutes=3)
    for count in range(70):  # all of one moment, so that only their ids tell them apart
        events.record(
            kind="jobs" if count % 2 else "cache", text=f"number {count}", at=moment, tone="hand", actor="ada"
        )
    first = ops.get("/events/").context["board"]
    second = ops.get(f"/events/?after={first.next}").context["board"]
    shown = [line.event.pk for board in (first, second) for day in board.days for line in day.lines]
    assert len(shown) == len(set(shown)) == 70
    assert second.next is None
    assert len(ops.get("/events/?kind=jobs&tone=hand&text=ada").context["board"].days[0].lines) == 35
    assert "No event fits" in ops.get("/events/?kind=alert").content.decode()
    assert ops.get("/events/?after=0190d1e6-0000-7000-8000-000000000000").status_code == 404


def test_what_moves_on_the_page_is_fetched_again_and_304_while_nothing_did(ops: Client) -> None:
    first = ops.get("/events/live/?range=24h")
    assert 'id="event-list"' in first.content.decode()
    assert "<html" not in first.content.decode()
    assert ops.get("/events/live/?range=24h", headers={"If-None-Match": first["ETag"]}).status_code in {200, 304}
