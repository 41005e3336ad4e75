"""The pictures in docs/screens: made on request (HOLDFAST_SCREENS=1, `make screens`), replaced rather than added."""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page

from flags.models import Flag
from monitoring import events
from tests.browser.conftest import PHONE, Door, Watch, wait_for_charts
from tests.make import make_memory, make_workspace
from tests.monitoring.recorded import publish

FOLDER = Path(settings.BASE_DIR) / "docs" / "screens"
LARGEST = 250 * 1024
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
