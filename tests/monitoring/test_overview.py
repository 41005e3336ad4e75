from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from monitoring import events
from monitoring.console import freshness
from monitoring.console.strip import NONE, Kpi
from monitoring.metrics import snapshot
from monitoring.metrics.ranges import RANGES
from monitoring.views.overview import board as overview
from monitoring.views.overview import kpis
from monitoring.views.overview.board import Health, Page, verdict
from tests.monitoring.made import NOW, make_figures
from tests.monitoring.recorded import record_hour


def strip(**changes: object) -> dict[str, Kpi]:
    figures = make_figures(**changes)  # type: ignore[arg-type]
    return {kpi.key: kpi for kpi in kpis.all_of(figures, make_figures(), latest_hour=figures)}


# --- the verdict


def test_nothing_over_its_limit_is_healthy() -> None:
    given = verdict(Health(now=NOW, p95_s=0.031))
    assert (given.word, given.sentence) == ("Healthy", "Requests are answered and jobs keep up; context p95 is 31 ms.")


def test_before_the_first_figures_the_console_waits() -> None:
    assert verdict(Health(now=NOW, age_s=None, has_reported=False)).word == "Waiting for data"


def test_figures_that_were_reported_once_and_are_gone_are_down() -> None:
    assert verdict(Health(now=NOW, age_s=None)).word == "Down"


@pytest.mark.parametrize(("age_s", "word"), [(10.0, "Healthy"), (10.1, "Degraded"), (60.0, "Degraded"), (61.0, "Down")])
def test_old_figures_degrade_and_then_count_as_down(age_s: float, word: str) -> None:
    assert verdict(Health(now=NOW, age_s=age_s)).word == word


def test_stale_figures_say_how_old_they_are_and_since_when() -> None:
    given = verdict(Health(now=NOW, age_s=42))
    assert given.sentence == "Figures are 42 s old. Calls may be served normally."
    assert given.since == "since 14:31 UTC, 42 s"


@pytest.mark.parametrize(("share", "word"), [(0.01, "Healthy"), (0.0101, "Degraded")])
def test_more_than_one_percent_of_failures_degrades(share: float, word: str) -> None:
    assert verdict(Health(now=NOW, error_share=share)).word == word


def test_failures_say_how_many_what_still_works_and_since_when() -> None:
    since = NOW - timedelta(minutes=22)
    given = verdict(Health(now=NOW, error_share=0.024, errors_since=since, p95_s=0.086))
    assert given.sentence == "2.4 % of requests failed in the last 5 minutes; context p95 is 86 ms."
    assert given.since == "since 14:10 UTC, 22m"


def test_a_job_that_waits_for_more_than_a_minute_degrades() -> None:
    assert verdict(Health(now=NOW, oldest_s=60)).word == "Healthy"
    given = verdict(Health(now=NOW, oldest_s=74, oldest_since=NOW - timedelta(seconds=74)))
    assert given.word == "Degraded"
    assert given.sentence.startswith("The oldest job waits for 74 s: new memories come late")


def test_failures_come_before_late_jobs() -> None:
    assert "requests failed" in verdict(Health(now=NOW, error_share=0.5, oldest_s=900)).sentence


def test_only_the_last_five_minutes_of_failures_are_judged() -> None:
    early: list[float] = [5.0] * 110 + [0.0] * 10
    figures = make_figures(counts={"requests": 100.0, "requests.errors": early})
    assert overview.health(figures, None, has_reported=True, now=NOW).error_share == 0


def test_since_is_the_start_of_the_run_that_lasts_until_now() -> None:
    waits: list[float | None] = [90.0] * 50 + [10.0] * 60 + [61.0, None, 80.0] + [90.0] * 7
    figures = make_figures(gauges={"queue.oldest_s": waits}, counts={"requests": 100.0})
    taken = snapshot.Snapshot(at=int(NOW.timestamp()), processes=1, expected=1)
    health = overview.health(figures, taken, has_reported=True, now=NOW)
    assert (health.oldest_s, health.oldest_since) == (90.0, figures.moment(110))
    assert health.errors_since is None


# --- the figures


def test_there_are_at_most_seven_figures_and_none_is_invented() -> None:
    values = {key: kpi.value for key, kpi in strip().items()}
    assert values == {
        "alerts": "None", "queue": NONE, "messages": "0", "context": NONE,
        "errors": NONE, "cache": NONE, "memories": NONE,
    }  # fmt: skip


def test_a_figure_says_its_change_against_the_period_before_in_words() -> None:
    before = make_figures(latency={0.95: 0.077}, counts={"messages.posted": 100.0, "requests": 100.0})
    memories: list[float | None] = [*([18_000.0] * 119), 18_238.0]
    now = make_figures(
        latency={0.95: 0.086},
        counts={"messages.posted": 102.0, "requests": 100.0, "requests.errors": 0.6},
        gauges={"queue.bulk": 1284.0, "queue.oldest_s": 74.0, "memories.active": memories},
    )
    found = {kpi.key: kpi for kpi in kpis.all_of(now, before, latest_hour=now)}
    words = {key: (kpi.value, kpi.unit, kpi.delta.text, kpi.delta.tone) for key, kpi in found.items()}
    assert words["context"] == ("86", "ms", "9 ms slower", "warn")
    assert words["messages"] == ("3.4", "/s", "2 % more", "")
    assert words["errors"] == ("0.6", "%", "0.6 pt more fail", "")
    assert words["queue"] == ("1,284", "", "oldest 74 s", "warn")
    assert words["memories"] == ("18,238", "", "238 more", "")


@pytest.mark.parametrize(
    ("now", "words"),
    [(100.4, "as before"), (99.6, "as before"), (102.0, "2 % more"), (99.0, "1 % fewer"), (0.0, "100 % fewer")],
)
def test_a_change_of_less_than_a_percent_is_none(now: float, words: str) -> None:
    figures, before = (make_figures(counts={"messages.posted": count}) for count in (now, 100.0))
    found = {kpi.key: kpi for kpi in kpis.all_of(figures, before, latest_hour=figures)}
    assert found["messages"].delta.text == words


def test_a_falling_hit_rate_is_bad_and_a_rising_one_is_not() -> None:
    high = make_figures(counts={"cache.context.hits": 90.0, "cache.context.misses": 10.0})
    low = make_figures(counts={"cache.context.hits": 87.0, "cache.context.misses": 13.0})
    fallen, risen = (
        next(kpi.delta for kpi in kpis.all_of(now, then, latest_hour=now) if kpi.key == "cache")
        for now, then in ((low, high), (high, low))
    )
    assert (fallen.text, fallen.tone) == ("3.0 pt lower", "warn")
    assert (risen.text, risen.tone) == ("3.0 pt higher", "")


# --- the pages


def page_of(answer: Any) -> Page:
    page: Page = answer.context_data["page"]
    return page


@pytest.fixture
def ops(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("ops"))
    return client


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/overview/live/", "/rollouts/panel/"])
def test_strangers_are_sent_to_sign_in_without_a_query(
    client: Client, path: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/sign-in/?next={path}")


def test_the_page_shows_what_was_recorded(ops: Client) -> None:
    record_hour(now=timezone.now())
    answer = ops.get("/")
    page = page_of(answer)
    assert page.verdict.word == "Healthy"
    assert {key: chart.is_empty for key, chart in page.charts.items()} == {
        "latency": False, "traffic": False, "cache": False, "queues": False,
    }  # fmt: skip
    assert page.charts["cache"].label == "Cache hit rate: context 93 %, embedding 70 % now."
    assert answer.content.count(b'type="application/json"') == 4


def test_failures_that_were_recorded_degrade_the_verdict(ops: Client) -> None:
    record_hour(now=timezone.now(), failing=0.03)
    assert "of requests failed" in page_of(ops.get("/")).verdict.sentence


def test_without_figures_every_chart_says_what_to_call(ops: Client) -> None:
    page = ops.get("/").content.decode()
    assert "Waiting for data" in page
    assert page.count("this chart starts within 5 s") == 4


@pytest.mark.parametrize("name", ["15m", "6h", "24h", "7d"])
def test_the_range_is_in_the_url(ops: Client, name: str) -> None:
    answer = ops.get(f"/?range={name}")
    assert page_of(answer).range == name
    assert f'aria-current="true">{name}</a>' in answer.content.decode()
    assert "There is no range" not in answer.content.decode()


def test_a_range_that_does_not_exist_keeps_the_hour_and_names_those_that_do(ops: Client) -> None:
    answer = ops.get("/?range=2h<b>")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert page_of(answer).range == "1h"
    assert "There is no range “2h&lt;b&gt;”" in text
    assert "Choose 15m, 1h, 6h, 24h, 7d, 30d, 13mo, or from when to when." in text


def test_a_viewer_whose_page_did_not_change_gets_304(ops: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    record_hour(now=now)
    first = ops.get("/overview/live/?range=1h")
    again = ops.get("/overview/live/?range=1h", headers={"If-None-Match": first["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert "private" in first["Cache-Control"]
    other = ops.get("/overview/live/?range=6h", headers={"If-None-Match": first["ETag"]})
    assert other.status_code == 200


def test_the_page_is_worked_out_once_for_all_viewers(
    ops: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    record_hour(now=now)
    ops.get("/")
    with django_assert_num_queries(2):  # session and user
        assert ops.get("/").status_code == 200


def test_to_work_a_page_out_takes_few_queries_at_any_range(
    ops: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    record_hour(now=timezone.now())
    for name in RANGES:
        with django_assert_max_num_queries(17):
            assert page_of(ops.get(f"/?range={name}")).range == name


def test_a_snapshot_that_stays_gets_older_on_the_page(ops: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now().replace(microsecond=0)
    record_hour(now=now)
    assert freshness.stamp("1h", now=now) == freshness.stamp("1h", now=now + timedelta(seconds=8))
    late = overview.page("1h", now=now + timedelta(seconds=42))
    assert late.verdict.sentence == "Figures are 42 s old. Calls may be served normally."


def test_the_page_lists_the_changes_of_its_range(ops: Client) -> None:
    now = timezone.now()
    record_hour(now=now)
    events.record(kind="flag", text="enhanced_prompts 25 %", at=now - timedelta(minutes=20))
    events.record(kind="flag", text="long ago", at=now - timedelta(hours=3))
    cache.clear()
    drawn = overview.compose("1h", now=now).charts["latency"].spec["events"]
    assert [event["text"] for event in drawn] == ["enhanced_prompts 25 %"]


def test_the_fragment_is_the_moving_part_of_the_page_and_carries_no_shell(ops: Client) -> None:
    record_hour(now=timezone.now())
    fragment = ops.get("/overview/live/?range=1h").content.decode()
    assert "<html" not in fragment
    assert 'id="verdict"' in fragment
    assert 'class="chart ' not in fragment, "a chart's node is never swapped"


def test_people_who_are_not_staff_see_no_links_into_the_admin(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("dev"))
    text = client.get("/").content.decode()
    assert "/admin/" not in text
    assert "API docs" in text


def test_signing_out_is_a_post_and_leads_to_the_door(ops: Client) -> None:
    assert ops.get("/sign-out/").status_code == 405
    assert ops.post("/sign-out/")["Location"] == "/sign-in/"
