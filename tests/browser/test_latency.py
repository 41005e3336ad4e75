from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, Door, Watch, wait_for_charts
from tests.monitoring.operated import record_operations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def operations(transactional_db: None) -> None:
    record_operations(now=timezone.now())


@pytest.mark.usefixtures("operations")
def test_an_operation_is_chosen_sorted_and_compared_without_a_new_page(door: Door, watch: Watch) -> None:
    page = door.signed_in("/latency/")
    wait_for_charts(page)
    for key in ("percentiles", "calls", "spread"):
        expect(page.locator(f"[data-chart={key}] .main-svg").first).to_be_visible()
    expect(page.locator("#chosen")).to_contain_text("job.export_memories")
    page.locator("[data-chart=percentiles]").evaluate("node => { node.dataset.same = 'yes' }")
    page.get_by_role("link", name="assemble_context").click()
    expect(page.locator("#chosen")).to_contain_text("operation.assemble_context")
    assert "operation=operation.assemble_context" in page.url
    expect(page.locator("[data-chart=percentiles][data-same=yes] .main-svg").first).to_be_visible()
    expect(page.locator("#slow-calls .spread")).to_have_count(10)
    page.locator("#sort-rate").click()
    expect(page.locator("#operations tbody tr").first).to_contain_text("queries")
    expect(page.locator("#operations tr[aria-current]")).to_contain_text("assemble_context")
    page.locator("#compare-off").click()
    expect(page.locator("#operations thead")).not_to_contain_text("p95 change")
    page.locator("#kind-web").click()
    expect(page.locator("#operations tbody tr")).to_have_count(6)
    page.reload()
    expect(page.locator("#operations tbody tr")).to_have_count(6)
    expect(page.locator("#compare [aria-current]")).to_have_text("Off")
    watch.assert_quiet()


@pytest.mark.usefixtures("operations")
def test_the_latency_page_fits_a_phone_and_works_without_scripts(door: Door, watch: Watch) -> None:
    page = door.signed_in("/latency/", viewport=PHONE)
    wait_for_charts(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    watch.assert_quiet()
    plain = door.signed_in("/latency/", scripts=False)
    plain.get_by_role("link", name="assemble_context").click()
    expect(plain.locator("#chosen")).to_contain_text("operation.assemble_context")
