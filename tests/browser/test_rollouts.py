from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from flags.models import Flag
from tests.browser.conftest import PHONE, Door, Watch, wait_for_charts
from tests.flags.scene import fill

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def row(page: Page, name: str) -> str:
    return f"#flag-{Flag.objects.get(name=name).pk}"


def test_a_flag_is_opened_in_place_and_a_unit_tested_while_the_page_lives(door: Door, watch: Watch) -> None:
    fill(now=timezone.now())
    page = door.signed_in("/rollouts/?open=chatgpt_memory")
    page.locator(f"{row(page, 'enhanced_prompts')} .fold").click()
    expect(page.locator(".flag-open")).to_have_count(1)
    wait_for_charts(page)
    assert "open=enhanced_prompts" in page.url
    expect(page.locator(f"{row(page, 'chatgpt_memory')} .fold")).to_have_attribute("aria-expanded", "false")
    page.fill("#tester-unit", "u-4000")
    page.locator("#flag-tester button", has_text="Check").click()
    expect(page.locator("#flag-tester")).to_contain_text("an override says always in")
    # what moves is fetched for what is open now, and leaves a field alone that somebody types in
    page.fill("#tester-unit", "u-4001")
    with page.expect_response(re.compile(r"/rollouts/live/\?.*open=enhanced_prompts")):
        page.evaluate("document.dispatchEvent(new Event('holdfast:now'))")
    expect(page.locator("#tester-unit")).to_have_value("u-4001")
    expect(page.locator("#tester-unit")).to_be_focused()
    page.locator(f"{row(page, 'enhanced_prompts')} .fold").click()
    expect(page.locator(".flag-open")).to_have_count(0)
    assert "open=" not in page.url
    watch.assert_quiet()


def test_the_slider_and_the_keys_ask_and_change_nothing(door: Door, watch: Watch) -> None:
    fill(now=timezone.now())
    page = door.signed_in("/rollouts/")
    where = row(page, "enhanced_prompts")
    slider = page.locator(f"{where} .stages input")
    box = slider.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    dialog = page.locator("#ask dialog")
    expect(dialog).to_contain_text("enhanced_prompts")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(slider).to_have_js_property("value", "3")
    page.locator(f"{where} .fold").focus()
    page.keyboard.press("]")
    expect(dialog).to_contain_text("50 %")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("Kill it")
    page.keyboard.press("Escape")
    assert Flag.objects.get(name="enhanced_prompts").percent == 25
    page.locator(f"{where} .fold").focus()
    page.keyboard.press("Shift+K")
    expect(page.locator(where)).to_contain_text("Killed")
    assert Flag.objects.get(name="enhanced_prompts").everyone is False
    watch.assert_quiet()


def test_without_scripts_folds_stages_and_the_tester_are_links_and_forms(door: Door) -> None:
    fill(now=timezone.now())
    page = door.signed_in("/rollouts/", viewport=PHONE, scripts=False)
    page.click("text=enhanced_prompts")
    expect(page.locator(".flag-open")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.fill("#tester-unit", "u-4000")
    page.click("#flag-tester button:has-text('Check')")
    expect(page.locator("#flag-tester")).to_contain_text("an override says always in")
    page.click(f"{row(page, 'enhanced_prompts')} .stages a[aria-label$='50 percent']")
    expect(page.locator("main")).to_contain_text("50 %")
