from __future__ import annotations

import json
import logging
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from memory.providers import report, usage
from memory.providers.usage import Usage, log_line
from monitoring.metrics import read
from monitoring.metrics.store.retain import make_partitions
from monitoring.metrics.store.write import write
from tests.make import make_key
from tests.monitoring.blobs import NOON, make_blob, moment

CHAT = {
    "requests": 10.0,
    "ok": 8.0,
    "failed": 2.0,
    "retried": 5.0,
    "limited": 1.0,
    "rejected": 3.0,
    "coalesced": 4.0,
    "batches": 2.0,
    "items": 12.0,
    "tokens_in": 4000.0,
    "tokens_out": 600.0,
    "bytes_raw": 90_000.0,
    "bytes_sent": 30_000.0,
    "microdollars": 960.0,
    "unpriced": 50.0,
}


def record_chat(second: int, sequence: int = 1) -> None:
    """What one process recorded of `chat` in a second."""
    make_partitions(now=second)
    counters = {f"provider.chat.{counter}": value for counter, value in CHAT.items()}
    breaker = {"breaker.provider.chat.opened": 2.0, "breaker.provider.chat.closed": 1.0}
    latencies = {"provider.chat": [0.1] * 9 + [1.0]}
    write([make_blob(second, sequence, counters=counters | breaker, latencies=latencies)], now=second + 1)


def last_hour(now: int = NOON) -> read.Span:
    return read.span("1h", now=moment(now))


@pytest.mark.django_db
def test_a_spans_figures_are_sums_rates_and_quantiles_of_what_was_recorded() -> None:
    record_chat(NOON - 7200, 1)
    record_chat(NOON - 1800, 2)
    record_chat(NOON - 60, 3)
    (chat,) = usage.usage(last_hour())
    assert (chat.name, chat.seconds) == ("chat", 3600)
    for counter, value in CHAT.items():
        if counter != "microdollars":
            assert getattr(chat, counter) == 2 * value
    assert chat.cost_dollars == pytest.approx(0.00192)
    assert (chat.breaker_opened, chat.breaker_closed) == (4, 2)
    assert chat.success_rate == 0.8
    assert chat.failure_rate == 0.2
    assert chat.retry_rate == 0.5
    assert chat.compression_ratio == 3
    assert chat.bytes_saved == 120_000
    assert chat.mean_batch == 1.5
    assert chat.p50_s == pytest.approx(0.1, rel=0.02)
    assert chat.p95_s == pytest.approx(1.0, rel=0.02)


@pytest.mark.django_db
def test_a_provider_that_was_not_asked_has_no_rates() -> None:
    (mcp,) = usage.usage(last_hour(), names=["mcp"])
    assert (mcp.requests, mcp.success_rate, mcp.compression_ratio, mcp.p95_s) == (0, None, None, None)
    assert "–" in report.as_text([mcp])  # noqa: RUF001
    assert "latency_seconds{" not in report.as_prometheus([mcp])


@pytest.mark.django_db
def test_the_table_is_aligned_and_says_all() -> None:
    record_chat(NOON - 60)
    text = report.as_text(usage.usage(last_hour(), names=["embedding"]))
    lines = text.splitlines()
    assert lines[0] == "In the last 1 h"
    assert lines[1].split() == ["chat", "embedding"]
    assert len({len(line) for line in lines[1:]}) == 1
    for figure in ("10", "8 (80 %)", "2 (20 %)", "90 KB", "30 KB (60 KB saved)", "3.00 to 1", "$0.0010 + 50 tokens"):
        assert figure in text


def test_before_the_first_request_the_table_says_so() -> None:
    assert report.as_text([]).startswith("No provider was asked yet")
    assert report.as_prometheus([]) == ""


@pytest.mark.django_db
def test_prometheus_text_has_a_type_for_each_family_and_a_label_for_each_provider() -> None:
    record_chat(NOON - 60)
    lines = report.as_prometheus(usage.usage(last_hour())).splitlines()
    assert 'holdfast_provider_requests{provider="chat",kind="ok"} 8' in lines
    assert 'holdfast_provider_retries{provider="chat"} 5' in lines
    assert "holdfast_provider_span_seconds 3600" in lines
    families = {line.split("{")[0].split(" ")[0] for line in lines if not line.startswith("#")}
    assert {line.split(" ")[2] for line in lines if line.startswith("# TYPE")} == families
    (p95,) = [
        line for line in lines if line.startswith('holdfast_provider_latency_seconds{provider="chat",quantile="0.95"}')
    ]
    assert float(p95.split()[-1]) == pytest.approx(1.0, rel=0.02)


@pytest.mark.django_db
@pytest.mark.parametrize("format", ["human", "json", "prometheus"])
def test_the_command_writes_each_format(format: str) -> None:
    record_chat(int(timezone.now().timestamp()) - 60)
    out = StringIO()
    call_command("providers", "--format", format, "--range", "15m", stdout=out)
    assert "chat" in out.getvalue()
    if format == "json":
        (chat,) = json.loads(out.getvalue())["items"]
        assert (chat["name"], chat["success_rate"], chat["bytes_saved"]) == ("chat", 0.8, 60_000)


@pytest.mark.django_db
def test_the_api_answers_json_and_text_to_who_may_read(client: Client) -> None:
    record_chat(int(timezone.now().timestamp()) - 60)
    assert client.get("/api/v1/providers").status_code == 401
    headers = {"Authorization": f"Bearer {make_key(scope='read')}"}
    answer = client.get("/api/v1/providers?range=15m", headers=headers)
    (chat,) = answer.json()["items"]
    assert chat["requests"] == 10
    assert chat["retry_rate"] == 0.5
    text = client.get("/api/v1/providers?format=prometheus", headers=headers)
    assert text["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b'{provider="chat",kind="failed"} 2' in text.content
    wrong = client.get("/api/v1/providers?range=2h", headers=headers)
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["field"] == "range"


@pytest.fixture
def every_minute(settings: Settings) -> None:
    settings.HOLDFAST_PROVIDER_LOG_S = 60


@pytest.mark.django_db
@pytest.mark.usefixtures("every_minute")
def test_the_log_line_is_written_once_a_minute_by_one_of_all_processes(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_chat(NOON - 30)
    caplog.set_level(logging.INFO, logger="memory.providers.usage")
    for second in range(70):
        log_line(now=moment(NOON) + timedelta(seconds=second))
        monkeypatch.setattr(usage, "_seen_end", 0)  # as another process would come
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("event=provider_usage provider=chat seconds=60 requests=10 ok=8 failed=2 retried=5")
    assert "dollars=0.000960" in line
    assert "p95_ms=" in line


@pytest.mark.django_db
@pytest.mark.usefixtures("every_minute")
def test_the_spans_of_log_lines_follow_each_other(caplog: pytest.LogCaptureFixture) -> None:
    for n, second in enumerate(range(NOON, NOON + 180, 10), start=1):
        record_chat(second, n)
    caplog.set_level(logging.INFO, logger="memory.providers.usage")
    for second in range(60, 190, 2):
        log_line(now=moment(NOON) + timedelta(seconds=second))
    requests = [int(record.getMessage().split("requests=")[1].split()[0]) for record in caplog.records]
    assert requests == [60, 60, 60]


@pytest.mark.parametrize("off", ["HOLDFAST_PROVIDER_LOG_S", "HOLDFAST_METRICS"])
def test_no_line_is_written_where_it_is_off(off: str, settings: Settings) -> None:
    setattr(settings, off, 0)
    log_line(now=moment(NOON))  # a query would raise: tests without the mark have no database
    assert redis.Redis.from_url(settings.REDIS_URL).keys("provider:log:*") == []


def test_a_log_line_has_no_figure_of_what_did_not_happen() -> None:
    zero: dict[str, Any] = dict.fromkeys(Usage.__slots__, 0)
    quiet = Usage(**zero | {"name": "mcp", "p50_s": None, "p95_s": None})
    assert usage.line(quiet).endswith("p50_ms=- p95_ms=-")
