"""The pictures of the events, the audit log, the palette, the keys and the range's menu."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from monitoring import audit, events
from tests.browser.conftest import DESKTOP, PHONE, Door, wait_for_charts
from tests.browser.scenes import make_breakers
from tests.browser.test_screens import keep

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("figures"),
    pytest.mark.skipif(os.environ.get("HOLDFAST_SCREENS") != "1", reason="Pictures are made by `make screens`."),
]
SEEN = (("desktop", "dark"), ("desktop", "light"), ("phone", "dark"))
HAPPENED = (
    (1300, "start", "info", "Started 5 processes"),
    (900, "flag", "hand", "enhanced_prompts 10 %"),
    (410, "jobs", "hand", "3 dead jobs retried"),
    (72, "flag", "hand", "enhanced_prompts 25 %"),
    (31, "alert", "crit", "Oldest job waits for 74 s"),
    (24, "alert", "ok", "Oldest job: resolved after 7m"),
    (12, "cache", "hand", "Tool results cache invalidated: stale weather"),
)
DONE: tuple[tuple[str, str, dict[str, Any] | None, dict[str, Any] | None, str], ...] = (
    ("flag.raise", "enhanced_prompts", {"share": "10 %"}, {"share": "25 %"}, "A day at 10 % within its limits"),
    ("alert.acknowledge", "oldest-job", None, {"owner": "ops"}, "Looking at the workers"),
    (
        "job.retry",
        "0193f0c2-7b1e",
        {"state": "dead", "attempts": 5},
        {"state": "pending", "attempts": 0},
        "It is back",
    ),
    ("breaker.force", "provider.rerank", None, {"mode": "forced_open"}, "Azure asked us to stop."),
)


def fill() -> None:
    now = timezone.now()
    make_breakers()
    for minutes, kind, tone, text in HAPPENED:
        actor = "ops" if tone == "hand" else ""
        events.record(kind=kind, text=text, at=now - timedelta(minutes=minutes), tone=tone, actor=actor)
    for minutes, (action, subject, before, after, reason) in enumerate(DONE):
        at = now - timedelta(minutes=17 * minutes + 3)
        audit.record(actor="ops", action=action, subject=subject, before=before, after=after, reason=reason, at=at)


@pytest.mark.parametrize(("where", "theme"), SEEN)
def test_events_audit_log_palette_and_keys(door: Door, where: str, theme: str) -> None:
    fill()
    page = door.signed_in(f"/events/?theme={theme}", viewport=PHONE if where == "phone" else DESKTOP)
    name = f"-phone-{theme}" if where == "phone" else f"-{theme}"
    keep(page, f"events{name}")
    page.goto(f"/audit/?theme={theme}")
    keep(page, f"audit{name}")
    page.goto(f"/?theme={theme}")
    wait_for_charts(page)
    page.locator("#when-now").click()
    keep(page, f"range{name}")
    page.keyboard.press("Escape")
    page.locator("[data-find]").click()
    page.get_by_role("combobox").fill("br")
    page.get_by_role("option", name="Overview").wait_for(state="detached")
    keep(page, f"palette{name}")
    page.keyboard.press("Escape")
    if where == "desktop":
        page.keyboard.press("?")
        keep(page, f"keys{name}")
