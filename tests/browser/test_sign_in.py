from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Door, Watch, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_right_password_opens_the_page_that_was_asked_for(door: Door, watch: Watch) -> None:
    page = door.page()
    page.goto("/?range=6h")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.fill("#id_username", "ops")
    page.fill("#id_password", "watch-and-wait")
    page.click("main button[type=submit]")
    expect(page).to_have_url(f"{watch.origin}/?range=6h")
    watch.assert_quiet()


def test_a_wrong_password_says_so_and_keeps_the_name(door: Door, watch: Watch) -> None:
    page = door.page()
    sign_in(page, password="wrong")
    expect(page.get_by_role("alert")).to_contain_text("Not signed in.")
    expect(page.locator("#id_username")).to_have_value("ops")
    expect(page.locator("#id_password")).to_have_value("")
    watch.assert_quiet()


def test_signing_out_is_in_the_menu(door: Door) -> None:
    page = door.signed_in()
    page.get_by_label("Menu of ops").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
