from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from monitoring.health.readiness.assess import forget
from monitoring.models import DrillResult, ReadinessResult
from tests.browser.conftest import PHONE, Door, Watch, wait_for_charts

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def assessed(figures: None) -> None:
    """An hour of figures, and how readiness went in it."""
    forget()
    now = timezone.now()
    ReadinessResult.objects.bulk_create(
        ReadinessResult(at=now - timedelta(minutes=minute), score=92 - minute % 7, confidence=85)
        for minute in range(1, 60)
    )


def test_the_page_says_the_score_what_to_do_first_and_every_rule(door: Door, watch: Watch) -> None:
    page = door.signed_in("/readiness/")
    wait_for_charts(page)
    expect(page.locator("#readiness-score .ring")).to_be_visible()
    expect(page.locator("#readiness-first li")).to_have_count(3)
    expect(page.locator("[data-chart=trend] .main-svg").first).to_be_visible()
    expect(page.locator("#rule-migrations")).to_contain_text("Met")
    expect(page.locator("#rule-backups")).to_contain_text("HOLDFAST_BACKUP_STAMP")
    expect(page.locator(".rail [aria-current=page]")).to_contain_text("Readiness")
    page.get_by_role("link", name="6h").click()
    expect(page.locator("#range [aria-current]")).to_have_text("6h")
    watch.assert_quiet()


def test_a_drill_is_run_with_a_reason_and_its_result_has_steps_and_figures(door: Door, watch: Watch) -> None:
    page = door.signed_in("/readiness/")
    page.locator("#run-rollout-test").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("Rollout")
    expect(dialog.locator("#go")).to_be_disabled()
    dialog.locator("#id_reason").fill("before the release")
    dialog.locator("#go").click()
    expect(page.locator("#drill-state")).to_have_text("Passed")
    expect(page.locator("ol.log li")).to_have_count(9)
    expect(page.get_by_text("before the release").first).to_be_visible()
    assert DrillResult.objects.get().actor == "ops"
    page.goto("/readiness/")
    expect(page.locator("#readiness-drills")).to_contain_text("Passed")
    watch.assert_quiet()


def test_on_a_phone_nothing_is_wider_than_the_screen(door: Door, watch: Watch) -> None:
    page = door.signed_in("/readiness/", viewport=PHONE)
    wait_for_charts(page)
    expect(page.locator("#rule-database")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto("/readiness/drills/rollout-test/")
    expect(page.get_by_text("It never ran")).to_be_visible()
    watch.assert_quiet()
