from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from monitoring import export
from monitoring.export import Format
from monitoring.metrics import snapshot
from monitoring.metrics.store.retain import make_partitions
from monitoring.metrics.store.write import write
from tests.make import make_key
from tests.monitoring.blobs import NOON, make_blob, moment
from tests.monitoring.blobs import client as redis_client
from tests.monitoring.export import messages, parsed

pytestmark = pytest.mark.django_db
# what Prometheus 3 sends, with and without native histograms
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
NATIVE = (
    f"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,{PROMETHEUS}"
)


@pytest.fixture(autouse=True)
def anew() -> None:
    export.forget()


@pytest.mark.parametrize(
    ("accept", "format"),
    [
        ("", Format.TEXT),
        ("*/*", Format.TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format.TEXT),
        ("image/png", Format.TEXT),
        (PROMETHEUS, Format.OPENMETRICS),
        (NATIVE, Format.PROTOBUF),
        ("application/vnd.google.protobuf;encoding=text,text/plain;q=0.1", Format.TEXT),
        ("application/openmetrics-text; version=1.0.0; q=0.2, text/plain; q=0.9", Format.TEXT),
        ("application/openmetrics-text;q=many", Format.TEXT),
        (",;=,;;q=,", Format.TEXT),
    ],
)
def test_the_format_is_what_the_accept_header_wants_most(accept: str, format: Format) -> None:
    assert export.chosen(accept) is format


def test_prometheus_gets_what_it_asks_for(client: Client) -> None:
    make_partitions(now=NOON)
    write([make_blob(NOON, latencies={"operation.a": [0.1]})], now=NOON)
    answer = client.get("/metrics", headers={"Accept": PROMETHEUS})
    assert answer["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    names = {family.name for family in parsed.strict(answer.content)}
    assert {"holdfast_build_info", "holdfast_operation_seconds", "holdfast_export_dropped"} <= names
    answer = client.get("/metrics", headers={"Accept": NATIVE})
    assert answer["Content-Type"].endswith("proto=io.prometheus.client.MetricFamily; encoding=delimited")
    assert set(messages.read(answer.content)) == names
    assert client.get("/metrics")["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert client.post("/metrics").status_code == 405


def test_scrapes_of_one_second_share_one_reading(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    now = moment(NOON)
    with django_assert_num_queries(2):  # exemplars and totals
        first = export.scrape(Format.TEXT, now=now)
        assert export.scrape(Format.TEXT, now=now + timedelta(seconds=0.9)) is first
        export.scrape(Format.PROTOBUF, now=now + timedelta(seconds=0.9))
    assert export.scrape(Format.TEXT, now=now + timedelta(seconds=1)) is not first


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("10.1.2.3", {}, 200),
        ("::ffff:10.1.2.3", {}, 200),
        ("8.8.8.8", {}, 403),
        ("::ffff:8.8.8.8", {}, 403),
        ("", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("127.0.0.1", {"Forwarded": "for=10.0.0.1"}, 403),
    ],
)
def test_without_a_token_only_direct_calls_from_near_are_answered(
    client: Client, peer: str, headers: dict[str, str], status: int
) -> None:
    answer = client.get("/metrics", REMOTE_ADDR=peer, headers=headers)
    assert answer.status_code == status
    assert (b"HOLDFAST_METRICS_TOKEN" in answer.content) is (status == 403)


def test_with_a_token_it_alone_counts(client: Client, settings: Settings) -> None:
    settings.HOLDFAST_METRICS_TOKEN = "quite-a-secret"
    for wrong in ("", "Bearer", "Bearer quite-a-secre", "Basic quite-a-secret", "Bearer t\xf6ken"):
        answer = client.get("/metrics", headers={"Authorization": wrong})
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
        assert b"quite-a-secret" not in answer.content
    right = {"Authorization": "Bearer quite-a-secret", "X-Forwarded-For": "9.9.9.9"}
    assert client.get("/metrics", REMOTE_ADDR="8.8.8.8", headers=right).status_code == 200


def test_old_gauges_are_left_out_and_the_age_says_why() -> None:
    make_partitions(now=NOON)
    write([make_blob(NOON - 4, gauges={"g": 5}, counters={"c": 1})], now=NOON)
    snapshot.publish(snapshot.take(now=NOON), redis_client())
    assert b"\nholdfast_g 5.0\n" in export.scrape(Format.TEXT, now=moment(NOON + 60))
    later = export.scrape(Format.TEXT, now=moment(NOON + 61))
    assert b"holdfast_g " not in later
    assert b"\nholdfast_snapshot_age_seconds 61.0\n" in later
    assert b"\nholdfast_c_total 1.0\n" in later


def test_the_summary_says_in_one_document_how_things_are(client: Client) -> None:
    make_partitions(now=NOON)
    counters = {"requests.errors": 6, "operation.a.errors": 6, "cache.context.hits": 90, "cache.context.misses": 30}
    latencies = {"requests": [0.01] * 60, "operation.a": [0.01] * 57 + [1.0] * 3, "operation.b": [0.1] * 6}
    gauges = {"queue.low": 14, "queue.oldest_s": 8.5}
    write([make_blob(NOON - 4, latencies=latencies, counters=counters, gauges=gauges)], now=NOON)
    snapshot.publish(snapshot.take(now=NOON), redis_client())
    told = client.get(reverse("api:metrics_summary"), headers={"Authorization": f"Bearer {make_key()}"}).json()
    assert (told["at"], told["age_s"] > 0) == ("2026-03-05T12:00:00Z", True)
    assert [(each["name"], each["per_s"]) for each in told["operations"]] == [("a", 1.0), ("b", 0.1)]
    first = told["operations"][0]
    assert (first["errors_per_s"], first["error_share"]) == (0.1, 0.1)
    assert [first["p50_ms"], first["p95_ms"], first["p99_ms"]] == pytest.approx([10, 10, 1000], rel=0.011)
    assert told["requests"]["per_s"] == 1.0
    assert told["caches"] == [{"name": "context", "hits_per_s": 1.5, "misses_per_s": 0.5, "hit_rate": 0.75}]
    assert {queue["priority"]: queue["depth"] for queue in told["queues"]}["low"] == 14
    assert (told["oldest_job_s"], told["dead_jobs"]) == (8.5, None)
    assert told["processes"] == {"reporting": 1, "expected": 1, "is_partial": False}


def test_without_an_aggregator_the_summary_says_what_to_start(client: Client) -> None:
    answer = client.get(reverse("api:metrics_summary"), headers={"Authorization": f"Bearer {make_key()}"})
    assert answer.status_code == 503
    assert "manage.py aggregate" in answer.json()["detail"]
    assert client.get(reverse("api:metrics_summary")).status_code == 401
