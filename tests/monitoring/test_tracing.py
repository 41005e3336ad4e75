from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace as opentelemetry
from opentelemetry.context import attach, detach

from memory.jobs.working import run
from memory.models import Job, JobState
from memory.providers.remote.http.client import forget_client
from memory.work.tools import each
from monitoring.metrics.blob import Blob, MalformedBlobError
from monitoring.metrics.flush import Flusher
from monitoring.metrics.record import Delta
from monitoring.metrics.store.retain import make_partitions, prune
from monitoring.metrics.store.write import write
from monitoring.models import SlowRequest
from monitoring.tracing import logs, parts, request_id, slow, trace
from monitoring.tracing.slow import Slow
from tests.make import NOW
from tests.memory.jobs.made import make_job, taken
from tests.memory.providers.remote.made import Scripted, make_embedder, vectors
from tests.monitoring.blobs import NOON

ABOVE = f"00-{'a' * 32}-{'b' * 16}-01"
HEX = st.text("0123456789abcdef", min_size=1, max_size=32)


@pytest.fixture(autouse=True)
def outside_of_requests() -> Iterator[None]:
    slow._kept = slow._Kept()
    token = trace._current.set(None)
    yield
    trace._current.reset(token)


# --- traceparent


@given(version=HEX, trace_id=HEX, parent_id=HEX, flags=HEX, rest=st.sampled_from(["", "-", "-x", " ", "\n"]))
def test_only_what_the_standard_allows_is_taken(
    version: str, trace_id: str, parent_id: str, flags: str, rest: str
) -> None:
    given = f"{version}-{trace_id}-{parent_id}-{flags}{rest}"
    is_whole = [len(part) for part in (version, trace_id, parent_id, flags)] == [2, 32, 16, 2]
    is_named = bool(trace_id.strip("0")) and bool(parent_id.strip("0"))
    follows = rest == "" or (rest == "-x" and version != "00")
    expected = is_whole and is_named and version != "ff" and follows
    assert (trace.parsed(given) is not None) == expected


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        (ABOVE, True),
        (ABOVE.replace("00-", "01-"), True),
        (ABOVE.replace("00-", "cc-") + "-what-comes-later", True),
        (ABOVE + "-more", False),  # version 00 ends there
        (ABOVE.replace("00-", "ff-"), False),
        (ABOVE.replace("a", "0"), False),
        (ABOVE.replace("b", "0"), False),
        (ABOVE.replace("a", "A"), False),
        (ABOVE[:-1], False),
        (f"{ABOVE},{ABOVE}", False),
        ("", False),
    ],
)
def test_a_callers_trace_is_continued_or_another_begins(given: str, is_taken: bool) -> None:
    here = trace.begin(traceparent=given)
    assert (here.trace_id == "a" * 32) == is_taken
    assert here.span_id != "b" * 16
    assert trace.parsed(here.traceparent) == (here.trace_id, here.span_id, True)


def test_a_trace_that_is_not_sampled_stays_so() -> None:
    assert trace.begin(traceparent=ABOVE[:-1] + "0").traceparent.endswith("-00")


def test_outside_of_requests_nothing_is_handed_on() -> None:
    assert (trace.traceparent(), trace.headers(), trace.carried(), request_id.current()) == ("", {}, "", "")


def test_opentelemetrys_span_is_ours() -> None:
    context = opentelemetry.SpanContext(
        int("c" * 32, 16), int("d" * 16, 16), is_remote=False, trace_flags=opentelemetry.TraceFlags(1)
    )
    token = attach(opentelemetry.set_span_in_context(opentelemetry.NonRecordingSpan(context)))
    try:
        here = trace.begin(traceparent=ABOVE)
    finally:
        detach(token)
    assert (here.trace_id, here.span_id) == ("c" * 32, "d" * 16)


# --- from a request through its job to a provider


@contextmanager
def asked(traceparent: str = ABOVE, id: str = "req-7fa2c1") -> Iterator[trace.Trace]:
    here = trace.begin(traceparent=traceparent, request_id=id)
    yield here
    trace._current.set(None)


@pytest.mark.django_db
def test_a_job_remembers_the_request_that_asked_for_it() -> None:
    with asked() as here:
        job = make_job()
    assert Job.objects.get(pk=job.pk).trace == f"{here.traceparent} req-7fa2c1"
    assert taken().jobs[0].trace == f"{here.traceparent} req-7fa2c1"


@pytest.mark.django_db
def test_a_jobs_log_lines_name_its_request_and_its_slow_line_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(logs.Named())
    with asked():
        job = make_job(kind="test.failing")
    claim = taken()
    run.run(claim.token, claim.jobs, clock=lambda: NOW)
    line: Any = next(record for record in caplog.records if "event=job_failed" in record.getMessage())
    assert (line.request_id, line.trace_id, line.job_id) == ("req-7fa2c1", "a" * 32, str(job.pk))
    [kept] = slow.drain()
    assert (kept.operation, kept.trace_id, kept.job_id) == ("job.test.failing", "a" * 32, str(job.pk))
    assert kept.is_failed
    assert Job.objects.get(pk=job.pk).state == JobState.FAILED


def test_calls_to_providers_carry_trace_and_request_id_from_every_thread() -> None:
    with Scripted(vectors(20)) as server, asked() as here:
        embedder = make_embedder(server.url)  # more texts than it joins with those of other threads
        texts = [[f"{letter}{n}" for n in range(20)] for letter in "abcd"]
        embedder.embed(texts[0])
        each(embedder.embed, texts[1:], at_once=True)
        carried = [(request.headers["traceparent"], request.headers["X-Request-ID"]) for request in server.asked]
        forget_client()
    assert carried == [(here.traceparent, "req-7fa2c1")] * 4
    assert here.parts["provider"][1] == 4


@pytest.mark.parametrize("carried", ["", "nonsense", "00-0-0-00 id", f"{ABOVE} {'x' * 65}", "a\nb c\nd"])
def test_what_a_job_carries_is_not_trusted(carried: str) -> None:
    with trace.continued(carried, job_id="7") as here:
        assert trace.parsed(trace.traceparent()) is not None
        assert (here.request_id, here.job_id) == ("", "7")
    assert trace.current() is None


# --- log lines


def line_of(message: str, *arguments: object) -> dict[str, Any]:
    record = logging.LogRecord("memory.jobs", logging.WARNING, __file__, 1, message, arguments, None)
    logs.Named().filter(record)
    found: dict[str, Any] = orjson.loads(logs.JsonLine().format(record))
    return found


def test_a_json_line_has_the_ids_and_the_pairs_of_its_message() -> None:
    with asked():
        line = line_of("event=%s jobs=%d level=%s", "batch_failed", 3, "made up")
        pairs = line_of("event=%s jobs=%d level=%s", "batch_failed", 3, "0")
    assert line["message"] == "event=batch_failed jobs=3 level=made up"
    assert (pairs["event"], pairs["jobs"], pairs["level"]) == ("batch_failed", "3", "WARNING")
    assert (pairs["request"], pairs["trace"]) == ("req-7fa2c1", "a" * 32)
    assert "request" not in line_of("plain words")


def test_a_line_of_text_names_all_ids() -> None:
    record = logging.LogRecord("memory", logging.INFO, __file__, 1, "event=x", None, None)
    logs.Named().filter(record)
    assert logging.Formatter(logs.TEXT).format(record).endswith("request=- trace=- job=- event=x")


# --- parts, and the slowest of a minute


def test_parts_add_up_and_the_rest_is_its_own() -> None:
    with asked() as here:
        parts.add(parts.DATABASE, 0.02)
        parts.add(parts.DATABASE, 0.01, 4)
        parts.add(parts.CACHE, 0.005)
    parts.add(parts.DATABASE, 9.0)
    assert parts.split(here.parts, 0.05) == {
        "database": (pytest.approx(0.03), 5),
        "cache": (0.005, 1),
        "own": (pytest.approx(0.015), 1),
    }
    assert parts.split(here.parts, 0.01)["own"] == (0.0, 1)


def make_slow(**fields: Any) -> Slow:
    defaults: dict[str, Any] = {
        "operation": "operation.context",
        "seconds": 0.1,
        "at": float(NOON),
        "trace_id": "a" * 32,
    }
    return Slow(**defaults | fields)


@given(st.lists(st.floats(0.001, 9), min_size=1, max_size=30, unique=True))
def test_of_each_operation_the_three_slowest_are_kept(seconds: list[float]) -> None:
    slow._kept = slow._Kept()
    with asked() as here:
        for took_s in seconds:
            slow.offer("operation.context", took_s, here, method="GET", status=200)
    kept = [each.seconds for each in slow.drain()]
    assert kept == sorted(seconds, reverse=True)[:3]
    assert slow.drain() == []


def test_what_nobody_takes_is_bounded() -> None:
    with asked() as here:
        for n in range(2_000):
            slow.offer(f"operation.made-up-{n}", 0.001 * n, here)
    assert len(slow._kept.waiting) <= slow.OPERATIONS
    assert len(slow._kept.minute.slowest) <= slow.OPERATIONS


@pytest.mark.django_db
def test_over_all_processes_ten_of_a_minute_are_stored_and_three_of_an_operation() -> None:
    make_partitions(now=NOON)
    blobs = [
        Blob(
            f"host:{process}:test",
            sequence,
            NOON + sequence,
            slow=[
                make_slow(operation=f"operation.{name}", seconds=0.1 * process + 0.01 * sequence, at=NOON + 0.5)
                for name in ("a", "b", "c", "d", "e")
            ],
        )
        for process in (1, 2)
        for sequence in (1, 2)
    ]
    written = write([*blobs, *blobs], now=NOON + 3)
    assert (written.fresh, written.repeated) == (4, 4)
    kept = list(SlowRequest.objects.values_list("operation", flat=True))
    assert len(kept) == 10
    assert max(kept.count(name) for name in set(kept)) <= 3
    write(
        [Blob("host:3:test", 1, NOON + 3, slow=[make_slow(seconds=7.0, method="PROPPATCH", at=NOON + 59.9)])],
        now=NOON + 3,
    )
    slowest = SlowRequest.objects.order_by("-seconds")
    assert (slowest.count(), slowest[0].seconds, slowest[0].method) == (10, 7.0, "PROPPATC")


@pytest.mark.django_db
def test_slow_requests_are_kept_for_thirty_days() -> None:
    make_partitions(now=NOON)
    for days in (29, 31):
        SlowRequest.objects.create(
            at=datetime.fromtimestamp(NOON, UTC) - timedelta(days=days),
            operation="operation.x",
            seconds=1,
            trace_id="a",
        )
    prune(now=NOON)
    assert SlowRequest.objects.count() == 1


def test_a_blob_carries_the_slowest_and_an_older_process_needs_none() -> None:
    sent = Blob("host:1:a", 1, NOON, Delta(), slow=[make_slow(parts={"database": (0.02, 3)})])
    assert Blob.unpack(sent.pack()) == sent
    older = orjson.dumps([1, "host:1:a", 1, NOON, False, {}, {}, {}])
    assert Blob.unpack(older).slow == []
    with pytest.raises(MalformedBlobError):
        Blob.unpack(orjson.dumps([1, "host:1:a", 1, NOON, False, {}, {}, {}, [["operation.x"]]]))


def test_the_flusher_sends_what_the_process_met(settings: Any) -> None:
    with asked() as here:
        slow.offer("operation.context", 0.4, here, method="POST", status=503)
    flusher = Flusher(url=settings.REDIS_URL, clock=time.time)
    assert flusher.flush()
    packed = redis.Redis.from_url(settings.REDIS_URL).lpop("metrics:blobs")
    assert isinstance(packed, bytes)
    [sent] = Blob.unpack(packed).slow
    assert (sent.seconds, sent.status, sent.is_failed, sent.request_id) == (0.4, 503, True, "req-7fa2c1")
