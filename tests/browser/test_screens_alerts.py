"""The pictures of the alerts' pages in docs/screens, made on request as those of test_screens.py."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from monitoring import events
from monitoring.models import Alert, AlertRule
from tests.browser.conftest import DESKTOP, PHONE, Door, wait_for_charts
from tests.browser.scenes import record_calls
from tests.browser.test_screens import keep
from tests.monitoring.alert_scene import evaluated, fill
from tests.monitoring.recorded import publish

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.environ.get("HOLDFAST_SCREENS") != "1", reason="Pictures are made by `make screens`."),
]


@pytest.fixture
def chat(figures: None) -> Alert:
    now = timezone.now()
    record_calls(now=now)
    events.record(kind="flag", text="enhanced_prompts 25 %", at=now - timedelta(minutes=34), tone="hand")
    return fill(now=now)


def opened(door: Door, path: str, viewport: dict[str, int] = DESKTOP) -> Page:
    """Signed in, with rules that were evaluated just now, however long signing in took."""
    page = door.signed_in("/alerts/channels/", viewport=viewport)
    page.set_default_timeout(90_000)
    page.locator("h1").wait_for()
    evaluated(now=timezone.now())
    publish(now=timezone.now())
    page.goto(path)
    return page


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_alerts(door: Door, chat: Alert, theme: str) -> None:
    page = opened(door, f"/alerts/?theme={theme}")
    wait_for_charts(page)
    keep(page, f"alerts-{theme}")


@pytest.mark.parametrize("where", ["", "-detail"])
def test_alerts_on_a_phone(door: Door, chat: Alert, where: str) -> None:
    page = opened(door, f"/alerts/?alert={chat.pk}" if where else "/alerts/", PHONE)
    page.locator("h1").wait_for()
    if where:
        wait_for_charts(page)
    keep(page, f"alerts{where}-phone-dark")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_rule_with_its_back_test(door: Door, chat: Alert, theme: str) -> None:
    rule = AlertRule.objects.get(name="error-rate")
    page = door.signed_in(f"/alerts/rules/{rule.pk}/?backtest=24h&theme={theme}")
    wait_for_charts(page)
    keep(page, f"alert-rule-{theme}")


def test_the_rules(door: Door, chat: Alert) -> None:
    keep(opened(door, "/alerts/rules/"), "alert-rules-dark")


@pytest.mark.parametrize("where", ["", "-phone"])
def test_the_silences(door: Door, chat: Alert, where: str) -> None:
    page = door.signed_in("/alerts/silences/?rule=bulk-waits", viewport=PHONE if where else DESKTOP)
    keep(page, f"alert-silences{where}-dark")


def test_the_channels(door: Door, chat: Alert) -> None:
    keep(door.signed_in("/alerts/channels/"), "alert-channels-dark")


def test_the_overview_while_something_fires(door: Door, chat: Alert) -> None:
    page = opened(door, "/")
    wait_for_charts(page)
    keep(page, "overview-firing-dark")
