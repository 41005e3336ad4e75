from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from monitoring.models import Alert, AlertRule, Silence
from tests.browser.conftest import PHONE, Door, Watch, wait_for_charts
from tests.browser.scenes import record_calls
from tests.monitoring.alert_scene import fill

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def chat(figures: None) -> Alert:
    now = timezone.now()
    record_calls(now=now)
    return fill(now=now)


def test_an_alert_is_acknowledged_and_silenced_from_its_detail(door: Door, watch: Watch, chat: Alert) -> None:
    page = door.signed_in("/alerts/")
    wait_for_charts(page)
    page.locator("#act-acknowledge").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("the reminders stop")
    dialog.locator("textarea").fill("I look at the provider")
    dialog.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".toast")).to_contain_text("is acknowledged")
    expect(page.locator(".toast").get_by_role("link", name="Undo")).to_be_visible()
    expect(page.locator("#alert-body")).to_contain_text("Acknowledged by ops")
    page.locator("#act-silence").click()
    dialog.locator("select").select_option("4")
    dialog.locator("textarea").fill("they mend it until noon")
    dialog.get_by_role("button", name="Silence").click()
    expect(page.locator("#alert-head")).to_contain_text("Silenced")
    expect(page.locator("#about")).to_contain_text("1 firing, 1 pending, 2 silenced")
    assert Silence.objects.filter(reason="they mend it until noon").exists()
    page.goto("/alerts/silences/")
    page.select_option("#id_rule", "bulk-waits")
    expect(page.locator("#silence-preview")).to_contain_text("Matches 1 alert that fires now")
    watch.assert_quiet()


def test_a_rule_is_tried_before_it_is_saved(door: Door, watch: Watch, chat: Alert) -> None:
    rule = AlertRule.objects.get(name="error-rate")
    page = door.signed_in(f"/alerts/rules/{rule.pk}/")
    page.fill("#id_fire_critical", "1")
    page.fill("#id_clear_critical", "0.9")
    page.locator("#backtest").get_by_role("button", name="24 hours").click()
    expect(page.locator("#backtest")).to_contain_text("Would have fired")
    wait_for_charts(page)
    expect(page.locator("#id_fire_critical")).to_have_value("1")
    page.fill("#id_clear_critical", "8")
    page.fill("#id_reason", "too many pages at night")
    page.get_by_role("button", name="Save rule").click()
    expect(page.locator("#rule-form")).to_contain_text("which is above 1, where it fires")
    page.fill("#id_clear_critical", "0.8")
    page.get_by_role("button", name="Save rule").click()
    expect(page.locator(".toast")).to_contain_text("is saved")
    rule.refresh_from_db()
    assert rule.thresholds[0]["fire"] == 1.0
    # the browser itself reports the answer 422
    watch.console = [said for said in watch.console if "422" not in said]
    watch.assert_quiet()


def test_the_pages_fit_a_phone_and_are_quiet(door: Door, watch: Watch, chat: Alert) -> None:
    page = door.signed_in("/alerts/", viewport=PHONE)
    for path in ("", f"?alert={chat.pk}", "rules/", "rules/new/", "silences/", "channels/"):
        page.goto(f"/alerts/{path}")
        page.locator("h1").wait_for()
        assert page.evaluate(WIDER) <= 0, path
    watch.assert_quiet()
