"""The dialogs of rollouts in a browser: raising, two people at once, and killing with its undo."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from flags import change
from flags.models import Flag, FlagChange
from tests.browser.conftest import PHONE, Door, Watch
from tests.browser.test_accessibility import faults
from tests.flags.make import make_flag

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WHY = "Evening peak is the load test we need"
SHARE = "/rollouts/enhanced/share/?percent=50"


def as_ana(door: Door) -> Page:
    """Another person's browser, where scripts are off."""
    client = Client()
    client.force_login(User.objects.create_superuser("ana"))
    page = door.page(scripts=False)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": door.server.url}])
    return page


def opened(page: Page) -> None:
    page.locator("#more-1, [id^=more-]").first.locator("summary").click()
    page.get_by_role("link", name="Another share").click()
    expect(page.locator("dialog[open]")).to_be_visible()


def test_of_two_operators_one_wins_and_the_other_sees_the_difference_and_loses_no_input(
    door: Door, watch: Watch
) -> None:
    make_flag(percent=10)
    ops, ana = door.signed_in("/rollouts/"), as_ana(door)
    opened(ops)
    ana.goto("/rollouts/enhanced/share/?percent=12")
    ops.fill("dialog #id_percent", "50")
    ops.locator("dialog #id_percent").press("Tab")
    dialog = ops.locator("dialog[open]")
    expect(dialog.get_by_role("button", name="Raise to 50 %")).to_be_disabled()
    dialog.locator("textarea").fill(WHY)
    ana.fill("#id_reason", "The weekend is calm")
    ana.get_by_role("button", name="Raise to 12 %").click()
    expect(ana.locator(".toast")).to_contain_text("enhanced goes from 10 % to 12 %.")
    dialog.get_by_role("button", name="Raise to 50 %").click()
    told = ops.locator(".dialog.on-page")
    expect(told).to_contain_text("ana set 10 → 12 %")
    expect(told.get_by_role("row", name="Share 10 % 12 % 50 %")).to_be_visible()
    expect(told).to_contain_text("from 12 % to 50 %?")
    expect(ops.locator("#id_reason")).to_have_value(WHY)
    expect(ops.locator("#id_percent")).to_have_value("50")
    assert Flag.objects.get().percent == 12
    told.get_by_role("button", name="Raise to 50 %").click()
    expect(ops.locator(".toast")).to_contain_text("enhanced goes from 12 % to 50 %.")
    assert [each.actor for each in change.history("enhanced")] == ["ops", "ana"]
    watch.console = [said for said in watch.console if "409" not in said]
    watch.assert_quiet()


def test_a_kill_is_one_press_and_is_taken_back_from_its_toast(door: Door, watch: Watch) -> None:
    make_flag(percent=25)
    page = door.signed_in("/rollouts/")
    page.get_by_role("button", name="Kill enhanced").click()
    expect(page.locator(".toast")).to_contain_text("enhanced is killed")
    assert Flag.objects.get().share == 0
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Taken back")
    assert Flag.objects.get().share == 25
    watch.assert_quiet()


def test_the_forms_and_questions_fit_a_phone_and_have_no_serious_fault(door: Door, watch: Watch) -> None:
    flag = make_flag(percent=10, note="Richer context")
    edit = {"percent": "12"}
    page = door.signed_in(SHARE, viewport=PHONE)
    change.change("enhanced", expect=flag.version, edit=edit, by=change.SEED, reason="Made it so", now=timezone.now())
    page.fill("#id_reason", WHY)
    page.get_by_role("button", name="Raise to 50 %").click()
    expect(page.locator(".dialog.on-page")).to_contain_text("seed set 10 → 12 %")
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) <= 0
    for path in (SHARE, "/rollouts/enhanced/edit/"):
        assert not faults(page, path)
        assert page.evaluate(wider) <= 0, path
    page.goto("/rollouts/enhanced/plan/")
    assert page.evaluate(wider) <= 0
    assert FlagChange.objects.count() == 1
    watch.console = [said for said in watch.console if "409" not in said]
    watch.assert_quiet()
