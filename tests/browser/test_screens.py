"""The pictures in docs/screens: made on request (HOLDFAST_SCREENS=1, `make screens`), replaced rather than added."""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page

from flags.models import Flag
from monitoring import events
from tests.browser.conftest import DESKTOP, PHONE, Door, Watch, wait_for_charts
from tests.browser.scenes import fill_caches, make_breakers, record_calls
from tests.make import make_memory, make_workspace
from tests.memory.views.made import fill as make_jobs
from tests.memory.views.made import record_queues
from tests.monitoring.recorded import publish

FOLDER = Path(settings.BASE_DIR) / "docs" / "screens"
LARGEST = 300_000
MEMORIES = (
    "Lives in Leeds, in a flat near the canal",
    "Works as a structural engineer, four days a week",
    "Is allergic to hazelnuts; almonds are fine",
    "Trains for the Bilbao marathon on 24 October",
    "Learns Portuguese with a tutor on Tuesdays",
    "Has a greyhound called Biscuit who hates rain",
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.environ.get("HOLDFAST_SCREENS") != "1", reason="Pictures are made by `make screens`."),
]


@pytest.fixture
def busy(figures: None) -> None:
    now = timezone.now()
    for minutes, text, tone in ((51, "Started 5 processes", "info"), (34, "enhanced_prompts 25 %", "hand")):
        events.record(kind="flag", text=text, at=now - timedelta(minutes=minutes), tone=tone)
    for name, percent in (("batch_processing", 50), ("enhanced_prompts", 25), ("real_time_dedup", 100)):
        Flag.objects.create(name=name, percent=Decimal(percent))
    publish(now=now)


def keep(page: Page, name: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    page.wait_for_load_state("networkidle")
    picture = page.screenshot()
    assert len(picture) <= LARGEST, f"{name} has {len(picture)} bytes"
    (FOLDER / f"{name}.png").write_bytes(picture)


def test_sign_in(door: Door, watch: Watch) -> None:
    page = door.page()
    page.goto("/sign-in/")
    keep(page, "sign-in-dark")
    watch.assert_quiet()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_overview(door: Door, busy: None, theme: str) -> None:
    page = door.signed_in(f"/?theme={theme}")
    wait_for_charts(page)
    keep(page, f"overview-{theme}")


def test_overview_on_a_phone(door: Door, busy: None) -> None:
    page = door.signed_in(viewport=PHONE)
    wait_for_charts(page)
    keep(page, "overview-phone-dark")


def test_memories_in_the_admin(door: Door) -> None:
    workspace = make_workspace(name="production")
    for text in MEMORIES:
        make_memory(text, workspace)
    page = door.signed_in("/admin/memory/memory/")
    keep(page, "admin-memory")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_queues_that_keep_up(door: Door, theme: str) -> None:
    now = timezone.now()
    record_queues(now=now)
    make_jobs(now=now)
    page = door.signed_in(f"/queues/?theme={theme}")
    wait_for_charts(page)
    keep(page, f"queues-{theme}")


@pytest.mark.parametrize("where", ["", "-phone"])
def test_queues_with_a_backlog(door: Door, where: str) -> None:
    now = timezone.now()
    record_queues(now=now, backlog=True)
    make_jobs(now=now, backlog=True)
    page = door.signed_in("/queues/", viewport=PHONE if where else DESKTOP)
    wait_for_charts(page)
    keep(page, f"queues-backlog{where}-dark")


def test_a_dead_letter_and_the_question_about_it(door: Door) -> None:
    now = timezone.now()
    record_queues(now=now)
    make_jobs(now=now)
    page = door.signed_in("/queues/?state=dead")
    wait_for_charts(page)
    page.locator("#dead").scroll_into_view_if_needed()
    keep(page, "queues-dead-dark")
    page.locator("#dead-list tbody a").first.click()
    page.locator("#story").wait_for()
    keep(page, "queues-job-dark")
    page.locator("#discard").click()
    page.locator("dialog[open]").wait_for()
    keep(page, "queues-discard-dark")


def show_control(page: Page, name: str) -> None:
    wait_for_charts(page)
    keep(page, name)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_breakers_in_every_state(door: Door, theme: str) -> None:
    record_calls(now=timezone.now())
    make_breakers()
    show_control(door.signed_in(f"/breakers/?theme={theme}&name=provider.chat"), f"breakers-{theme}")


def test_breakers_on_a_phone(door: Door) -> None:
    record_calls(now=timezone.now())
    make_breakers()
    show_control(door.signed_in("/breakers/?name=provider.chat", viewport=PHONE), "breakers-phone-dark")


def test_breakers_that_are_closed(door: Door) -> None:
    record_calls(now=timezone.now(), troubled=False)
    make_breakers(troubled=False)
    show_control(door.signed_in("/breakers/"), "breakers-healthy-dark")


@pytest.mark.parametrize("is_troubled", [False, True])
def test_providers(door: Door, settings: Any, is_troubled: bool) -> None:
    settings.HOLDFAST_CHAT_PROFILE, settings.HOLDFAST_EMBEDDING_PROFILE = "mistral", "openai"
    record_calls(now=timezone.now(), troubled=is_troubled)
    make_breakers(troubled=is_troubled)
    show_control(door.signed_in("/providers/"), "providers-open-dark" if is_troubled else "providers-dark")


@pytest.mark.parametrize("where", ["", "-phone"])
def test_caches(door: Door, where: str) -> None:
    record_calls(now=timezone.now())
    fill_caches()
    show_control(door.signed_in("/caches/", viewport=PHONE if where else DESKTOP), f"caches{where}-dark")
