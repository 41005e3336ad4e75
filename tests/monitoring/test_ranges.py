from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring import formats
from monitoring.console import charts, sheet
from monitoring.console.charts import Line
from monitoring.console.chosen import range as chosen
from monitoring.metrics import ranges
from monitoring.metrics.ranges import RangeError, Span
from monitoring.metrics.store.retain import HOURS_S, MINUTES_S, SECONDS_S
from tests.monitoring.recorded import record_hour

NOW = datetime(2026, 11, 21, 14, 0, 7, tzinfo=UTC)


@pytest.fixture
def ops(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("ops"))
    return client


@settings(max_examples=200, deadline=None)
@given(ago=st.integers(2, HOURS_S // 60 - 1), length=st.integers(1, HOURS_S // 60))
def test_any_range_has_few_points_and_only_steps_that_its_tier_keeps(ago: int, length: int) -> None:
    start = NOW - timedelta(minutes=ago)
    end = min(start + timedelta(minutes=length), NOW)
    span = ranges.span(ranges.named(start, end), now=NOW)
    assert 1 <= span.points <= ranges.POINTS
    assert span.start <= start
    assert end <= span.end
    assert span.start.timestamp() % span.step_s == 0
    age = (NOW - span.before().start).total_seconds()
    if age > SECONDS_S + 2 * span.step_s:
        assert span.step_s % 60 == 0
    if age > MINUTES_S + 2 * span.step_s:
        assert span.step_s % 3600 == 0


@pytest.mark.parametrize("name", ranges.RANGES)
def test_a_fixed_range_ends_now_and_is_drawn_with_few_points(name: str) -> None:
    span = ranges.span(name, now=NOW)
    assert span.points <= ranges.POINTS
    assert abs((span.end - NOW).total_seconds()) <= span.step_s
    assert formats.period(name)


def test_a_period_is_told_in_words() -> None:
    assert formats.period("2026-11-21T10:00Z..2026-11-21T12:00Z") == "2 hours"
    assert formats.period("2026-11-19T10:00Z..2026-11-21T11:05Z") == "2 days 1 hour"


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("now-1h", "now-2h", "It ends before it starts"),
        ("2026-11-21 10:00", "2026-11-21 10:00", "It ends before it starts"),
        ("now-1h", "2026-11-22", "It ends in the future"),
        ("2025-09-01", "now", "more than 13 months ago"),
        ("yesterday", "now", "“yesterday” is no time"),
        ("now-999999w", "now", "is no time that can be read"),
        ("0001-01-01T00:00+14:00", "now", "is no time that can be read"),
        ("", "now", "not when it starts"),
    ],
)
def test_a_bad_range_says_why_and_keeps_the_last_good_one(start: str, end: str, said: str) -> None:
    found = chosen.read({"from": start, "to": end, "last": "6h"}, now=NOW)
    assert said in found.problem
    assert found.name == "6h"
    assert found.form == (start, end)
    assert chosen.read({"from": start, "to": end}, now=NOW).name == "1h"


def test_moments_are_read_as_people_write_them_and_in_their_zone() -> None:
    with timezone.override("Europe/Madrid"):
        found = chosen.read({"from": "2026-11-21 11:00", "to": "2026-11-21T12:00"}, now=NOW)
        assert found.name == "2026-11-21T10:00Z..2026-11-21T11:00Z"
        assert found.label == "21 Nov 11:00 to 12:00"
    relative = chosen.read({"from": "now-2h"}, now=NOW)
    assert relative.name == "2026-11-21T12:00Z..2026-11-21T14:01Z"
    assert not relative.is_fixed
    assert found.is_fixed


def test_a_range_is_moved_and_widened_in_words_that_stay() -> None:
    hour = chosen.read({"range": "1h"}, now=NOW)
    assert hour.earlier == {"from": "now-2h", "to": "now-1h"}
    assert hour.wider == {"from": "now-2h", "to": "now"}
    assert hour.later is None
    fixed = chosen.read({"from": "2026-11-21T10:00Z", "to": "2026-11-21T12:00Z"}, now=NOW)
    assert fixed.later == {"from": "2026-11-21T12:00Z", "to": "2026-11-21T14:00Z"}
    assert fixed.wider == {"from": "2026-11-21T09:00Z", "to": "2026-11-21T13:00Z"}
    assert chosen.read({"range": "13mo"}, now=NOW).wider is None


PAGES = ("/", "/breakers/", "/queues/", "/providers/", "/caches/", "/events/", "/audit/")


def test_every_page_takes_any_range_and_says_what_is_wrong_with_a_bad_one(ops: Client) -> None:
    for path in PAGES:
        good = ops.get(path, {"from": "now-3h", "to": "now-2h"})
        assert good.status_code == 200, path
        assert "data-fixed" in good.content.decode(), path
        bad = ops.get(path, {"from": "now", "to": "now-1d", "last": "6h"}).content.decode()
        assert "That range can't be shown.</b> It ends before it starts" in bad, path
        assert 'name="last" value="6h"' in bad, path


def test_times_follow_the_zone_which_a_cookie_keeps_and_files_stay_in_utc(ops: Client) -> None:
    record_hour(now=timezone.now())
    page = ops.get("/?tz=Asia/Kathmandu").content.decode()
    assert '"zone": {"name": "Asia/Kathmandu", "shifts": [["' in page
    assert "Time Asia/Kathmandu" in page
    assert ops.cookies["tz"].value == "Asia/Kathmandu"
    rows = list(csv.reader(io.StringIO(ops.get("/?csv=latency").content.decode())))
    assert rows[0] == ["time", "p50 (ms)", "p95 (ms)", "p99 (ms)"]
    assert len(rows) == 121
    first = datetime.fromisoformat(rows[1][0])
    assert timedelta(minutes=59) < timezone.now() - first < timedelta(minutes=62)
    assert "There is no time zone “Mars&lt;b&gt;”" in ops.get("/?tz=Mars<b>").content.decode()
    assert ops.get("/?csv=nothing").status_code == 404
    assert '"zone"' not in ops.get("/?tz=UTC").content.decode()


def test_a_file_has_nothing_that_a_spreadsheet_works_out() -> None:
    span = Span(NOW, NOW + timedelta(seconds=20), 10)
    chart = charts.chart("x", ("", "", "", "", ""), span, [Line("=SUM(A1), x", [-1.5, None], "", "c-1")], spec={})
    text = "".join(sheet._lines(sheet.rows(chart)))
    assert text == 'time,"\'=SUM(A1), x"\r\n2026-11-21T14:00:07Z,-1.5\r\n2026-11-21T14:00:17Z,\r\n'
    assert [sheet.cell(said) for said in ("+1", "-1", "@x", "\tx", "plain")] == ["'+1", "'-1", "'@x", "'\tx", "plain"]


def test_the_numbers_of_a_distribution_are_few_columns_and_its_file_has_all() -> None:
    span = Span(NOW, NOW + timedelta(seconds=30), 10)
    counts = [[row % 3, 0, row] for row in range(40)]
    chart = charts.heat("h", ("", "", "", "", "Nothing"), span, [2.0**row for row in range(40)], counts)
    assert len(chart.columns) <= 1 + charts.HEAT_COLUMNS
    assert len(next(iter(sheet.rows(chart)))) == 41
    assert chart.spec["heat"]["z"][1] == [1, None, 1]
    assert charts.heat("h", ("", "", "", "", "Nothing"), span, [1.0], [[0, 0, 0]]).is_empty
    with pytest.raises(ValueError, match="as many rows"):
        charts.heat("h", ("", "", "", "", ""), span, [1.0, 2.0], counts)


def test_a_name_that_is_no_range_is_refused() -> None:
    for name in ("2h", "a..b", "2026-11-21T12:00Z..2026-11-21T10:00Z"):
        with pytest.raises(RangeError):
            ranges.span(name, now=NOW)
