"""The pictures of the rollouts page in docs/screens, made on request as those of test_screens.py."""

from __future__ import annotations

import os

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from tests.browser.conftest import PHONE, Door, wait_for_charts
from tests.browser.test_screens import keep
from tests.flags.scene import fill
from tests.monitoring.recorded import publish

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.environ.get("HOLDFAST_SCREENS") != "1", reason="Pictures are made by `make screens`."),
]

OPEN = "/rollouts/?open=enhanced_prompts&unit=u-4001"


@pytest.fixture
def story(figures: None) -> None:
    fill(now=timezone.now())
    publish(now=timezone.now())


def drawn(page: Page) -> Page:
    """With its charts, and figures that no slow machine has let grow old."""
    page.set_default_timeout(90_000)
    wait_for_charts(page)
    page.wait_for_selector("html:not(.stale)", state="attached")
    return page


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_rollouts(door: Door, story: None, theme: str) -> None:
    keep(drawn(door.signed_in(f"{OPEN}&theme={theme}")), f"rollouts-{theme}")


def test_rollouts_on_a_phone(door: Door, story: None) -> None:
    keep(drawn(door.signed_in(OPEN, viewport=PHONE)), "rollouts-phone-dark")
