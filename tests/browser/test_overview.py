from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from monitoring import events
from tests.browser.conftest import PHONE, Door, Watch, wait_for_charts
from tests.monitoring.recorded import publish

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("figures")]

CHARTS = ("latency", "traffic", "cache", "queues")


def theme(page: Page) -> str | None:
    return page.locator("html").get_attribute("data-theme")


def test_the_overview_draws_four_charts_and_asks_nobody_else(door: Door, watch: Watch) -> None:
    page = door.signed_in()
    wait_for_charts(page)
    for key in CHARTS:
        chart = page.locator(f"[data-chart={key}]")
        expect(chart.locator(".main-svg").first).to_be_visible()
        assert chart.locator(".scatterlayer .trace").count() >= 2
    expect(page.locator("#verdict")).to_contain_text("Healthy")
    expect(page.locator("#rollouts")).to_contain_text("No flag exists")
    page.hover("[data-chart=latency]", position={"x": 400, "y": 120})
    expect(page.locator("[data-chart=latency] .hoverlayer .legend")).to_contain_text("p95")
    watch.assert_quiet()


def test_a_theme_that_was_switched_stays(door: Door, watch: Watch) -> None:
    page = door.signed_in()
    assert theme(page) == "dark"
    page.get_by_role("link", name="Switch theme").click()
    assert theme(page) == "light"
    page.reload()
    assert theme(page) == "light"
    page.goto("/?theme=dark")
    assert theme(page) == "dark", "the URL's theme goes before the one that is kept"
    watch.assert_quiet()


def test_another_range_is_another_url_and_other_data_on_the_same_chart(door: Door, watch: Watch) -> None:
    page = door.signed_in()
    wait_for_charts(page)
    page.locator("[data-chart=latency]").evaluate("node => { node.dataset.same = 'yes' }")
    spec = page.locator("#chart-latency")
    assert '"step": 30' in (spec.text_content() or "")
    page.get_by_role("link", name="15m").click()
    expect(page.locator("#range [aria-current]")).to_have_text("15m")
    expect(page).to_have_url(f"{watch.origin}/?range=15m")
    assert '"step": 10' in (spec.text_content() or "")
    expect(page.locator("[data-chart=latency][data-same=yes] .main-svg").first).to_be_visible()
    page.reload()
    expect(page.locator("#range [aria-current]")).to_have_text("15m")
    watch.assert_quiet()


def test_going_back_shows_the_range_before(door: Door) -> None:
    page = door.signed_in("/?range=1h")
    wait_for_charts(page)
    page.get_by_role("link", name="6h").click()
    expect(page.locator("#range [aria-current]")).to_have_text("6h")
    page.go_back()
    expect(page.locator("#range [aria-current]")).to_have_text("1h")


def test_the_page_refreshes_itself_until_it_is_paused(door: Door, watch: Watch) -> None:
    page = door.signed_in()
    door.spent.append(page)  # its clock stays another
    page.clock.install()
    page.reload()
    wait_for_charts(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/overview/live/" in request.url else None)
    publish(now=timezone.now())
    with page.expect_response(lambda response: "/overview/live/" in response.url):
        page.clock.fast_forward(8000)
    expect(page.locator("#chart-latency")).to_be_attached()
    page.get_by_role("button", name="Live. Pause updates").click()
    expect(page.get_by_role("button", name="Paused. Resume updates")).to_contain_text("at ")
    before = len(asked)
    page.clock.fast_forward(60_000)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert len(asked) == before
    watch.assert_quiet()


def test_changes_are_lines_on_every_chart(door: Door) -> None:
    events.record(kind="flag", text="enhanced_prompts 25 %", at=timezone.now() - timedelta(minutes=20))
    page = door.signed_in()
    wait_for_charts(page)
    for key in CHARTS:
        expect(page.locator(f"[data-chart={key}] .shapelayer path")).to_have_count(1)
    expect(page.locator("[data-chart=latency] .annotation")).to_contain_text("enhanced_prompts 25 %")


def test_the_numbers_of_a_chart_are_a_table(door: Door) -> None:
    page = door.signed_in()
    page.locator("#queues .numbers summary").click()
    table = page.locator("#queues table")
    expect(table).to_be_visible()
    assert table.locator("th[scope=col]").all_inner_texts() == ["Time UTC", "critical", "high", "normal", "low", "bulk"]
    assert table.locator("tbody tr").count() == 12


def test_a_phone_shows_tabs_and_does_not_scroll_sideways(door: Door, watch: Watch) -> None:
    page = door.signed_in(viewport=PHONE)
    wait_for_charts(page)
    expect(page.locator(".tabbar")).to_be_visible()
    expect(page.locator(".rail")).to_be_hidden()
    assert 1 <= page.locator(".tabbar a").count() <= 5
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    watch.assert_quiet()


def test_the_first_screen_fits_a_laptop(door: Door) -> None:
    page = door.signed_in()
    wait_for_charts(page)
    assert page.evaluate("document.documentElement.scrollHeight") == 900


def test_everything_is_there_without_javascript(door: Door, watch: Watch) -> None:
    page = door.signed_in(scripts=False)
    expect(page.locator("#verdict")).to_contain_text("Healthy")
    expect(page.locator("[data-chart=latency]")).to_contain_text("Context latency: p50")
    page.get_by_role("link", name="6h").click()
    expect(page).to_have_url(f"{watch.origin}/?range=6h")
    page.locator("#cache .numbers summary").click()
    expect(page.locator("#cache table")).to_be_visible()
    page.get_by_role("link", name="Switch theme").click()
    assert theme(page) == "light"
    page.get_by_role("link", name="Show the rollouts").click()
    expect(page.get_by_role("heading", name="Rollouts").last).to_be_visible()
    page.get_by_label("Menu of ops").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
