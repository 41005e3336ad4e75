from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from monitoring.metrics.blob import Blob
from monitoring.metrics.record import Delta
from monitoring.metrics.sketch import Sketch
from monitoring.metrics.store.retain import make_partitions
from monitoring.metrics.store.rollup import roll_up
from monitoring.metrics.store.write import write
from monitoring.models import SlowQuery
from monitoring.queries import store
from tests.browser.conftest import PHONE, Door, Watch, wait_for_charts
from tests.browser.test_queues import FITS
from tests.monitoring.queries.made import PLANTED, make_met, planted
from tests.monitoring.recorded import publish

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LATEST = f"SELECT id, at, state FROM {PLANTED} WHERE guest_id = %s AND deleted_at IS NULL ORDER BY at DESC LIMIT 10"
OTHERS = (
    (f"SELECT count(*) FROM {PLANTED} WHERE state = %s", "overview", 0.21, 3),
    (f'UPDATE "{PLANTED}" SET "note" = %s WHERE "{PLANTED}"."guest_id" = %s', "job digest", 0.34, 5),
    ('SELECT "memory_memory"."id" FROM "memory_memory" WHERE "memory_memory"."user_id" = %s', "memories.get", 0.12, 2),
    ("SELECT pg_sleep(%s)", "", 0.4, 1),
)


@pytest.fixture
def slow() -> Iterator[None]:
    """A table without the index that it needs, and an hour of queries, some of them slow, one in a loop."""
    now = timezone.now()
    with planted():
        met = []
        for minute in range(2, 60, 4):
            ago = timedelta(minutes=minute)
            met += [make_met(LATEST, route="list_visits", ago=ago, seconds=0.15 + 0.01 * minute, rows=10, now=now)] * 3
        for statement, route, seconds, runs in OTHERS:
            met += [make_met(statement, route=route, seconds=seconds, now=now)] * runs
        met.append(
            make_met("SELECT name FROM auth_group WHERE id = %s", route="list_visits", runs=24, seconds=0.06, now=now)
        )
        store.store(met)
        record_hour_of_queries()
        yield


def record_hour_of_queries() -> None:
    """What all processes measured of the database in the last hour."""
    now = timezone.now()
    moment, chance = int(now.timestamp()), random.Random(5)
    for day in (moment, moment - 3600):
        make_partitions(now=day)
    blobs = []
    for n, second in enumerate(range(moment - 3600, moment - 4, 30)):
        durations = [chance.lognormvariate(math.log(0.0009), 1.0) for _ in range(60)]
        gauges = {
            "database.connections": 9 + 3 * math.sin(n / 9),
            "database.cache_hit": 0.996,
            "database.size_bytes": 41e6 + n * 1e4,
        }
        counters = {"database.slow": float(n % 3 == 0), "database.errors": float(n % 40 == 0)}
        blobs.append(
            Blob("web:1:q", n + 1, second, Delta({"database.queries": Sketch.of(durations)}, counters, gauges))
        )
    roll_up(now=moment, again=write(blobs, now=moment).late_minutes)
    publish(now=now)


@pytest.mark.usefixtures("slow")
def test_a_slow_query_leads_to_its_plan_and_to_the_index_that_is_missing(door: Door, watch: Watch) -> None:
    page = door.signed_in("/queries/")
    expect(page.locator("#verdict")).to_contain_text("Degraded")
    expect(page.locator(".rail [aria-current=page]")).to_contain_text("Queries")
    page.locator("#query-lines tbody a").first.click()
    expect(page.locator("#query")).to_contain_text("CREATE INDEX CONCURRENTLY planted_visit_guest_id_at_idx")
    expect(page.locator("#query .plan tr[aria-current]")).to_contain_text("costs most")
    assert "query=" in page.url
    page.reload()
    expect(page.locator("#query .plan tr[aria-current]")).to_contain_text("costs most")
    page.get_by_role("button", name="Copy").click()
    assert page.evaluate("getSelection().toString()").startswith("CREATE INDEX CONCURRENTLY planted_visit")
    page.locator("#try").click()
    expect(page.locator("dialog[open]")).to_contain_text("Try the index")
    page.locator("dialog[open] #id_reason").fill("is it worth its writes")
    page.locator("dialog[open] #go").click()
    expect(page.locator(".toast")).to_contain_text("Tried and taken back: the index saves")
    expect(page.locator("#query")).to_contain_text("A proven index")
    assert SlowQuery.objects.exclude(proof=None).count() == 1
    page.locator("#close").click()
    expect(page.locator("#query")).not_to_contain_text("What would help")
    watch.assert_quiet()


@pytest.mark.usefixtures("slow")
def test_sorting_and_filters_are_addresses_and_leave_the_chart_alone(door: Door, watch: Watch) -> None:
    page = door.signed_in("/queries/")
    wait_for_charts(page)
    page.locator("[data-chart=query-time]").evaluate("node => { node.dataset.same = 'yes' }")
    page.locator("#sort-longest").click()
    expect(page.locator("#sort-longest")).to_have_attribute("aria-current", "true")
    page.locator("#pick-route").select_option("job digest")
    expect(page.locator("#query-lines tbody tr")).to_have_count(1)
    assert "route=job%20digest" in page.url
    assert "sort=longest" in page.url
    page.locator("#clear").click()
    expect(page.locator("#query-lines tbody tr")).to_have_count(5)
    expect(page.locator("[data-chart=query-time][data-same=yes] .main-svg").first).to_be_visible()
    page.evaluate("htmx.trigger('#refresh', 'holdfast:refresh')")
    expect(page.locator("#query-lines tbody tr")).to_have_count(5)
    watch.assert_quiet()


@pytest.mark.usefixtures("slow")
def test_no_width_scrolls_sideways_and_nothing_needs_a_script(door: Door) -> None:
    page = door.signed_in("/queries/", scripts=False)
    page.locator("#query-lines tbody a").first.click()
    expect(page.locator("#query")).to_contain_text("costs most")
    address = page.url
    page = door.signed_in(viewport=PHONE)
    page.goto(address)
    wait_for_charts(page)
    for width in (PHONE["width"], 800, 1024, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(FITS), width
