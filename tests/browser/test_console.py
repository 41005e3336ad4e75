from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from monitoring import events
from monitoring.console import charts
from monitoring.metrics import read
from tests.browser.conftest import Door, Watch, wait_for_charts

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("figures")]


def show(page: Page, key: str, spec: dict[str, object]) -> None:
    """Puts other data under a chart, as HTMX does."""
    page.evaluate(
        "([key, text]) => { document.getElementById(`chart-${key}`).textContent = text; return Holdfast.all() }",
        [key, json.dumps(spec)],
    )


def test_a_chart_is_brushed_taken_along_and_drawn_as_a_distribution(door: Door, watch: Watch) -> None:
    page = door.signed_in("/")
    wait_for_charts(page)
    chart = page.locator("[data-chart=latency] .nsewdrag").first
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60, steps=6)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"\?from=\d{4}-.*Z&to=\d{4}-.*Z"))
    expect(page.locator(".live")).to_contain_text("Fixed range")
    spec = json.loads(page.locator("#chart-latency").text_content() or "")
    assert spec["step"] == 10, "a quarter of an hour is drawn finer"
    brushed = page.url
    page.keyboard.press("z")
    expect(page).not_to_have_url(brushed)  # going back before it has arrived would skip the first page
    expect(page.locator("#when-now")).to_contain_text(re.compile(r"\d\d:\d\d to \d\d:\d\d"))
    page.evaluate("history.go(-2)")  # each step back loads its page anew: two would be a race
    expect(page.locator("#range [aria-current]")).to_have_text("1h")
    page.locator("#latency .numbers summary").click()
    with page.expect_download() as csv:
        page.locator("#latency").get_by_role("link", name="CSV").click()
    lines = csv.value.path().read_text().splitlines()
    assert lines[0] == "time,p50 (ms),p95 (ms),p99 (ms)"
    assert len(lines) == 121
    with page.expect_download() as png:
        page.locator("#latency").get_by_role("button", name="PNG").click()
    assert png.value.path().read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    span = read.span("1h", now=timezone.now())
    counts = [[max(0, 90 - (row - 20 - step // 20) ** 2) for step in range(span.points)] for row in range(44)]
    texts = ("Context latency", "", "Most calls take 40 ms.", "POST /api/v1/context", "No call")
    show(page, "latency", charts.heat("latency", texts, span, [2 ** (i / 4) for i in range(4, 48)], counts).spec)
    expect(page.locator("[data-chart=latency] .heatmaplayer image")).to_have_count(1)
    page.hover("[data-chart=latency]", position={"x": 400, "y": 120})
    expect(page.locator("[data-chart=latency] .hovertext")).to_contain_text("took")
    expect(page.locator("[data-chart=cache] .spikeline")).not_to_have_count(0)
    watch.assert_quiet()


def test_keys_and_the_palette_go_where_links_go(door: Door, watch: Watch) -> None:
    page = door.signed_in("/")
    wait_for_charts(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Find anything")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Find anything")
    field.fill("brea")
    option = page.get_by_role("option", name="Breakers")
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{watch.origin}/breakers/")
    page.keyboard.press("Shift+G")
    page.keyboard.press("Control+g")
    page.keyboard.press("q")
    expect(page).to_have_url(f"{watch.origin}/breakers/")
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page.get_by_role("heading", level=1)).to_have_text("Events")
    page.keyboard.press("/")
    expect(field).to_be_focused()
    field.fill("g o")
    expect(page.get_by_role("heading", level=1)).to_have_text("Events")
    watch.assert_quiet()


def test_events_are_lines_that_can_be_hidden_and_lead_to_their_page(door: Door, watch: Watch) -> None:
    happened = timezone.now() - timedelta(minutes=20)
    events.record(kind="flag", text="enhanced_prompts 25 %", at=happened)
    page = door.signed_in("/?tz=Asia/Kathmandu")
    wait_for_charts(page)
    spec = json.loads(page.locator("#chart-latency").text_content() or "")
    assert [seconds for _, seconds in spec["zone"]["shifts"]] == [20_700]
    expect(page.locator("[data-chart=latency] .xtitle")).to_have_text("Asia/Kathmandu")
    page.locator("#when-now").click()
    page.get_by_role("link", name="Hide flag").click()
    expect(page).to_have_url(re.compile("hide=flag"))
    expect(page.locator("[data-chart=cache] .shapelayer path")).to_have_count(0)
    page.go_back()
    page.wait_for_load_state("networkidle")
    page.locator("[data-chart=latency] .annotation").first.click()
    expect(page).to_have_url(re.compile(r"/events/\?range=.*#e-"))
    expect(page.locator(".day li")).to_contain_text("enhanced_prompts 25 %")
    watch.assert_quiet()
