from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from monitoring.breakers import State
from tests.browser.conftest import PHONE, Door, Watch, wait_for_charts
from tests.browser.scenes import fill_caches, make_breakers, record_calls
from tests.monitoring.test_breakers_page import view

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def scene(settings: Any) -> None:
    settings.HOLDFAST_CHAT_PROFILE = "mistral"
    settings.HOLDFAST_EMBEDDING_PROFILE = "openai"
    record_calls(now=timezone.now())
    make_breakers()
    fill_caches()


@pytest.mark.parametrize("path", ["/breakers/?name=provider.chat", "/providers/", "/caches/"])
@pytest.mark.parametrize("viewport", [None, PHONE])
def test_the_pages_draw_under_the_policy_and_fit_their_width(
    door: Door, watch: Watch, scene: None, path: str, viewport: dict[str, int] | None
) -> None:
    page = door.signed_in(path, viewport=viewport) if viewport else door.signed_in(path)
    wait_for_charts(page)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0
    watch.assert_quiet()


def test_forcing_a_breaker_open_asks_why_in_a_dialog_and_shows_on_its_card(door: Door, scene: None) -> None:
    page = door.signed_in("/breakers/")
    card = page.locator("article.breaker", has_text="Embedding: OpenAI")
    card.get_by_role("link", name="Force open").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("Every call is refused")
    dialog.locator("textarea").fill("their status page says so")
    dialog.get_by_role("button", name="Force open").click()
    expect(page.locator(".toast")).to_contain_text("Embedding: OpenAI is forced open")
    expect(page.locator("article.breaker", has_text="Embedding: OpenAI")).to_contain_text("By ops until")
    assert view("provider.embedding").state is State.FORCED_OPEN


def test_without_scripts_the_question_is_a_page(door: Door, scene: None) -> None:
    page = door.signed_in("/caches/", scripts=False)
    page.locator("#cache-lines tr", has_text="Tool result").get_by_role("link", name="Invalidate").click()
    page.locator("textarea").fill("the tool was wrong")
    page.get_by_role("button", name="Invalidate all").click()
    expect(page.locator(".toast")).to_contain_text("Tool result cache invalidated")
