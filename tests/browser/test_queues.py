from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from memory.models import Job, JobState
from tests.browser.conftest import PHONE, Door, Watch, wait_for_charts
from tests.memory.views.made import fill, make_dead, make_running, record_queues

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# charts follow the window a moment later
FITS = """() => new Promise((done) => {
  const look = () => (document.documentElement.scrollWidth === innerWidth ? done(true) : requestAnimationFrame(look));
  setTimeout(() => done(false), 5000);
  look();
})"""


@pytest.fixture
def queues() -> None:
    now = timezone.now()
    record_queues(now=now)
    fill(now=now)


def short(job: Job) -> str:
    return job.pk.hex[-8:]


def confirm(page: Page, reason: str = "the provider is back") -> None:
    page.locator("dialog[open] #id_reason").fill(reason)
    page.locator("dialog[open] #go").click()


@pytest.mark.usefixtures("queues")
def test_the_queues_page_draws_three_charts_and_asks_nobody_else(door: Door, watch: Watch) -> None:
    page = door.signed_in("/queues/")
    wait_for_charts(page)
    for key in ("throughput", "waits", "queues"):
        expect(page.locator(f"[data-chart={key}] .main-svg").first).to_be_visible()
    expect(page.locator("#verdict")).to_contain_text("Keeping up")
    expect(page.locator(".rail [aria-current=page]")).to_contain_text("Queues")
    page.goto("/")
    expect(page.locator("#verdict")).to_be_visible()
    watch.assert_quiet()


@pytest.mark.usefixtures("queues")
def test_a_filter_is_an_address_and_changes_only_the_list(door: Door, watch: Watch) -> None:
    page = door.signed_in("/queues/")
    wait_for_charts(page)
    page.locator("[data-chart=waits]").evaluate("node => { node.dataset.same = 'yes' }")
    page.locator("#state-dead").click()
    expect(page).to_have_url(f"{watch.origin}/queues/?range=1h&state=dead")
    expect(page.locator("#jobs-list tbody tr")).to_have_count(3)
    page.locator("#pick-user").fill("u-4821")
    page.locator("#pick-user").press("Enter")
    expect(page.locator("#jobs-list tbody tr")).to_have_count(1)
    assert "user=u-4821" in page.url
    assert "state=dead" in page.url
    page.locator("#pick-priority").select_option("bulk")
    expect(page.locator("#jobs-list")).to_contain_text("No job matches")
    expect(page.locator("[data-chart=waits][data-same=yes] .main-svg").first).to_be_visible()
    page.get_by_role("link", name="6h").click()
    expect(page.locator("#range [aria-current]")).to_have_text("6h")
    assert "user=u-4821" in page.url, "another range keeps the filter"
    page.reload()
    expect(page.locator("#pick-user")).to_have_value("u-4821")
    page.locator("#clear").click()
    expect(page.locator("#jobs-list tbody tr").first).to_be_visible()
    watch.assert_quiet()


def test_a_dead_job_is_retried_in_a_dialog_that_waits_for_a_reason(door: Door, watch: Watch) -> None:
    job = make_dead(now=timezone.now())
    page = door.signed_in("/queues/")
    page.locator(f"#retry-{short(job)}").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("Retry the job")
    expect(dialog.locator("#id_reason")).to_be_focused()
    dialog.locator("#id_reason").fill("short")
    expect(dialog.locator("#go")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator(f"#retry-{short(job)}")).to_be_focused()
    page.locator(f"#retry-{short(job)}").click()
    confirm(page)
    expect(page.locator(".toast")).to_contain_text("Retried: it waits for a free worker.")
    expect(page).to_have_url(f"{watch.origin}/queues/")
    expect(page.locator("#dead-list")).to_contain_text("No job is dead")
    job.refresh_from_db()
    assert job.history[-1]["by"] == "ops"
    watch.assert_quiet()


def test_the_safe_button_says_what_stays_and_closes_the_dialog(door: Door) -> None:
    job = make_dead(now=timezone.now())
    page = door.signed_in(f"/queues/jobs/{job.pk}/")
    page.locator("#discard").click()
    page.get_by_role("link", name="Keep it").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    job.refresh_from_db()
    assert job.state == JobState.DEAD


def test_a_job_that_changed_meanwhile_is_told_in_a_banner(door: Door) -> None:
    job = make_dead(now=timezone.now())
    page = door.signed_in("/queues/")
    page.locator(f"#discard-{short(job)}").click()
    Job.objects.filter(pk=job.pk).update(state=JobState.PENDING)
    confirm(page)
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed. The job is pending")


def test_everything_works_without_javascript(door: Door, watch: Watch) -> None:
    job = make_dead(now=timezone.now())
    page = door.signed_in("/queues/", scripts=False)
    page.locator("#pick-user").fill("mara")
    page.get_by_role("button", name="Filter").click()
    assert "user=mara" in page.url
    where = page.url
    page.locator(f"#retry-{short(job)}").click()
    expect(page.locator("h1")).to_contain_text("Retry the job")
    page.get_by_role("link", name="Leave it dead").click()
    expect(page).to_have_url(where)
    page.locator(f"#discard-{short(job)}").click()
    page.fill("#id_reason", "its user is gone")
    page.get_by_role("button", name="Discard job").click()
    expect(page.locator(".toast")).to_contain_text("Discarded")
    expect(page).to_have_url(where)


def test_a_jobs_page_follows_the_job(door: Door, watch: Watch) -> None:
    job = make_running(now=timezone.now())
    page = door.signed_in(f"/queues/jobs/{job.pk}/")
    expect(page.locator("#job-state")).to_have_text("Running")
    expect(page.locator("#story [data-countdown]")).to_be_visible()
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(state=JobState.SUCCEEDED, finished_at=now, claim=None, result={"memories": 2})
    page.evaluate("htmx.trigger('#refresh', 'holdfast:refresh')")
    expect(page.locator("#job-state")).to_have_text("Succeeded")
    expect(page.locator("#outcome")).to_contain_text('"memories": 2')
    watch.assert_quiet()


@pytest.mark.usefixtures("queues")
def test_no_width_scrolls_sideways(door: Door) -> None:
    page = door.signed_in("/queues/?state=dead")
    wait_for_charts(page)
    jobs_page = page.locator("#jobs-list tbody a").first.get_attribute("href") or ""
    for path in ("/queues/?state=dead", jobs_page, f"{jobs_page}discard/"):
        page.goto(path)
        for width in (PHONE["width"], 800, 1024, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate(FITS), (path, width)
