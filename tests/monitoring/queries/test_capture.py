from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import Error, connection
from django.test import Client
from django.utils import timezone

from memory.models import Job, Memory
from monitoring import metrics
from monitoring.metrics import record
from monitoring.models import AuditEntry, QueryPolicy, QueryUse, SlowQuery
from monitoring.queries import capture, read, store, transport
from monitoring.queries.transport import KEY, Met
from tests.make import make_key, make_memory, make_workspace
from tests.monitoring.queries.made import NOW, collect, make_met, threshold

SECRET = "hunter2-and-mara's-address"
DAY = timedelta(days=1)


def ask(sql: str, *arguments: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments or None)


@pytest.mark.django_db(transaction=True)
def test_a_slow_query_is_kept_with_the_route_that_asked_it(client: Client) -> None:
    key = make_key()
    with threshold(0):
        answer = client.get("/api/v1/memories?user_id=mara", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200
    collect()
    [query] = SlowQuery.objects.filter(template__startswith="SELECT", template__contains='FROM "memory_memory"')
    [use] = query.uses.all()
    assert use.route.startswith("memories")
    assert (use.slow, use.repeats) == (1, 0)
    assert 0 < use.longest <= use.seconds


@pytest.mark.django_db(transaction=True)
def test_what_takes_long_is_slow_and_what_does_not_is_not() -> None:
    drained = record.drain()
    with threshold(30), capture.watched("job sleepy"):
        ask("SELECT pg_sleep(%s), %s", 0.04, SECRET)
        ask("SELECT 1")
    collect()
    [query] = SlowQuery.objects.all()
    assert query.template == "SELECT pg_sleep(%s), %s"
    [use] = query.uses.all()
    assert (use.route, use.slow, use.rows) == ("job sleepy", 1, 1)
    assert use.seconds >= 0.04
    drained = record.drain()
    assert drained.counters["database.slow"] == 1
    assert drained.latencies["database.queries"].count >= 2


@pytest.mark.django_db(transaction=True)
def test_no_value_is_stored_or_logged_anywhere(caplog: pytest.LogCaptureFixture) -> None:
    workspace = make_workspace()
    make_memory(SECRET, workspace, user_id=SECRET)
    raw = redis.Redis.from_url(settings.REDIS_URL)
    with caplog.at_level(logging.DEBUG), threshold(0), capture.watched("job secret"):
        for _ in range(12):
            assert Memory.objects.filter(user_id=SECRET, text=SECRET).count() == 1
        quoted = SECRET.replace("'", "''")
        ask(f"SELECT count(*) FROM memory_memory WHERE text = '{quoted}' AND user_id <> $${SECRET}$$")
        with pytest.raises(Error):
            ask("SELECT %s::int", SECRET)
        assert transport.deliver()
        waiting = b"".join(each for each in raw.lrange(KEY, 0, -1) if isinstance(each, bytes))
    assert b"memory_memory" in waiting
    collect()
    rows = [*SlowQuery.objects.values_list(), *QueryUse.objects.values_list()]
    assert QueryUse.objects.filter(repeats=1, repeated=12, most=12).exists()
    for word in ("hunter2", "mara"):
        assert word not in waiting.decode()
        assert word not in str(rows)
        assert word not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_one_request_that_asks_the_same_over_and_over_is_found(client: Client) -> None:
    workspace = make_workspace()
    for n in range(12):
        make_memory(f"Fact {n}", workspace)
    with capture.watched("list_of_memories"):
        for memory in list(Memory.objects.all()):
            assert Memory.objects.select_related("workspace").get(pk=memory.pk).workspace == workspace
    with capture.watched("a_page"):
        assert len(Memory.objects.select_related("workspace")) == 12
    collect()
    now = timezone.now()
    [repeat] = read.repeats(now - DAY, now + DAY)
    assert (repeat.route, repeat.requests, repeat.most) == ("list_of_memories", 1, 12)
    assert 'INNER JOIN "memory_workspace"' in repeat.template
    assert read.slow(now - DAY, now + DAY, read.Wanted()) == []


@pytest.mark.django_db(transaction=True)
def test_an_error_is_counted_and_measured() -> None:
    record.drain()
    with pytest.raises(Error):
        ask("SELECT nothing_of_the_kind")
    drained = record.drain()
    assert drained.counters["database.errors"] == 1
    assert drained.latencies["database.queries"].count == 1


@pytest.mark.django_db
def test_samples_add_up_in_five_minutes_and_forgotten_ones_leave_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "QUERY_LIMIT", 3)
    store.store([make_met(seconds=0.2), make_met(seconds=0.6, rows=2), make_met(runs=14, seconds=0.1)])
    [use] = QueryUse.objects.all()
    assert (use.slow, use.rows, use.longest, use.repeats, use.most) == (2, 42, 0.6, 1, 14)
    store.store([make_met(seconds=0.4)])
    use.refresh_from_db()
    assert use.slow == 3
    assert use.seconds == pytest.approx(1.2)
    for n in range(4):
        store.store([make_met(f"SELECT {n} FROM t{n}", ago=timedelta(minutes=4 - n))])
    assert SlowQuery.objects.count() == 3
    assert not SlowQuery.objects.filter(pk=make_met().fingerprint).exists()
    assert QueryUse.objects.count() == 3


@pytest.mark.django_db
def test_what_nobody_sent_is_left_out_and_the_rest_is_kept() -> None:
    raw = redis.Redis.from_url(settings.REDIS_URL)
    raw.rpush(
        KEY, b"no json", b"[1, 2]", b"{}", make_met().packed(), Met("a", "b", "c", 1, 0.1).packed()[:-2] + b'"x"]'
    )
    store.Collector(raw).tick(int(NOW.timestamp()))
    assert SlowQuery.objects.count() == 1
    assert raw.llen(KEY) == 0


@pytest.mark.django_db
def test_uses_are_kept_for_thirty_days() -> None:
    store.store([make_met("SELECT a FROM old", ago=timedelta(days=31)), make_met(ago=timedelta(days=29))])
    assert store.prune(now=NOW) == 2
    assert SlowQuery.objects.count() == QueryUse.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_operators_threshold_reaches_every_process_and_is_audited() -> None:
    with threshold(100):
        store.set_slow_ms(250, actor="ops", reason="too many of them", now=NOW)
        transport._courier.look()
        assert transport.limit.slow_s == 0.25
        redis.Redis.from_url(settings.REDIS_URL).flushall()
        transport._courier.look()
        assert transport.limit.slow_s == settings.HOLDFAST_SLOW_QUERY_MS / 1000
        call_command("aggregate", "--once")
        transport._courier.look()
        assert transport.limit.slow_s == 0.25
    entry = AuditEntry.objects.get(action="queries.threshold")
    assert (entry.before, entry.after, entry.actor) == ({"slow_ms": 100}, {"slow_ms": 250}, "ops")
    with pytest.raises(ValueError, match="1 to 60,000 ms, got 0"):
        store.set_slow_ms(0, actor="ops", reason="everything", now=NOW)
    assert QueryPolicy.objects.get().slow_ms == 250


def test_a_process_keeps_a_bounded_number_while_redis_is_away(settings: Any) -> None:
    record.drain()
    courier = transport._Courier()
    courier.client = redis.Redis(host="127.0.0.1", port=1, socket_timeout=0.1)
    courier.waiting.extend([make_met()] * transport.KEPT)
    assert not courier.deliver()
    courier.waiting.extend([make_met()] * 20)
    assert not courier.deliver()
    assert len(courier.sending) == transport.KEPT
    courier.client = redis.Redis.from_url(settings.REDIS_URL)
    assert courier.deliver()
    assert courier.client.llen(KEY) == transport.KEPT
    assert metrics.flush()


@pytest.mark.django_db
def test_the_statements_of_one_request_that_are_told_apart_are_bounded() -> None:
    with capture.watched("wild") as seen:
        for n in range(capture.TEMPLATES + 5):
            ask(f"SELECT {n} AS n{n}")
    assert len(seen.runs) == capture.TEMPLATES
    assert not Job.objects.exists()
