"""The Latency page's pictures in docs/screens: made on request (HOLDFAST_SCREENS=1), replaced rather than added."""

from __future__ import annotations

import os

import pytest
from django.utils import timezone

from tests.browser.conftest import PHONE, Door, wait_for_charts
from tests.browser.test_screens import keep
from tests.monitoring.operated import SLOWED, record_operations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.environ.get("HOLDFAST_SCREENS") != "1", reason="Pictures are made by `make screens`."),
]
TALL = {"width": 1440, "height": 1320}


def test_latency(door: Door, transactional_db: None) -> None:
    record_operations(now=timezone.now(), every_s=30)
    for theme in ("dark", "light"):
        page = door.signed_in(viewport=TALL)
        page.goto(f"/latency/?theme={theme}&operation={SLOWED}")
        wait_for_charts(page)
        keep(page, f"latency-{theme}")
    page = door.signed_in(viewport=PHONE)
    page.goto(f"/latency/?operation={SLOWED}")
    wait_for_charts(page)
    keep(page, "latency-phone-dark")
    page.locator("#slow").scroll_into_view_if_needed()
    keep(page, "latency-phone-slow-dark")
