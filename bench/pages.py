"""What each page costs the server on a month of history, and its queries alone. Part of `bench.monitoring`.

Asked in this process through Django's test client, by somebody who is signed in, with nothing cached: each answer is
worked out anew, as for the first viewer after a snapshot. Pages that there are not, or that fail, are named and left
out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client, override_settings
from django.urls import NoReverseMatch, reverse

from bench import history
from monitoring.metrics import read, snapshot

PAGES: Final = (
    *("overview", "latency", "queries", "queues", "breakers", "providers", "caches"),
    *("alerts", "events", "readiness", "audit"),
)
RANGES: Final = ("15m", "1h", "6h", "24h", "7d", "30d", "13mo")
WARM, ROUNDS = 1, 8  # requests of each page and range
NOTHING_CACHED: Final = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}


@dataclass(slots=True)
class Asked:
    """The queries of one request: seconds of each, and the statement with its parameters."""

    queries: list[tuple[float, str, Any]] = field(default_factory=list)

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        answer = execute(sql, params, many, context)
        self.queries.append((time.perf_counter() - began, sql, params))
        return answer

    @property
    def seconds(self) -> float:
        return sum(took for took, _, _ in self.queries)


@dataclass(slots=True)
class Page:
    """One page at one range: seconds of each request and of its queries, sorted, and the slowest query."""

    name: str
    range: str
    took: list[float]
    asked: list[Asked]
    failures: int = 0

    def ms(self, share: float) -> float:
        return at(self.took, share) * 1000

    def query_ms(self, share: float) -> float:
        return at(sorted(each.seconds for each in self.asked), share) * 1000

    @property
    def queries(self) -> int:
        return len(self.asked[-1].queries)

    @property
    def slowest(self) -> tuple[float, str, Any]:
        return max((query for each in self.asked for query in each.queries), key=lambda query: query[0])


def at(values: list[float], share: float) -> float:
    """The value of that rank in a sorted list."""
    return values[round(share * (len(values) - 1))]


def measure() -> list[Page]:
    """Every page at every range that it knows, in turns."""
    with _signed_in() as client:
        pages = list(_there(client))
        for _ in range(WARM + ROUNDS):
            publish()
            for page in pages:
                _ask(client, page)
    for page in pages:
        page.took = sorted(page.took[WARM:])
        page.asked = page.asked[WARM:]
    return pages


def plan(query: tuple[float, str, Any]) -> str:
    """How PostgreSQL does it."""
    _, sql, params = query
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
        return "\n".join(line for (line,) in cursor.fetchall())


def reads(now: datetime) -> Iterator[tuple[str, list[float]]]:
    """What charts read, at each range: twelve series at once, and the percentiles of one. Seconds, sorted."""
    counters, latency = history.COUNTERS[:12], "operation.assemble_context"
    for name in RANGES:
        span = read.span(name, now=now)
        yield f"12 series, {name}", _timed(partial(read.counts, counters, span))
        yield f"percentiles of one, {name}", _timed(partial(read.quantiles, latency, span))


def _timed(call: Callable[[], object], times: int = 12) -> list[float]:
    call()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return sorted(took)


@contextmanager
def _signed_in() -> Iterator[Client]:
    user = get_user_model().objects.filter(is_superuser=True).first()
    assert user is not None, "bootstrap makes an admin"
    client = Client(raise_request_exception=False)
    client.force_login(user)
    with override_settings(CACHES=NOTHING_CACHED, ALLOWED_HOSTS=["testserver"]):
        yield client


def _there(client: Client) -> Iterator[Page]:
    for name in PAGES:
        try:
            answer = client.get(reverse(name))
        except NoReverseMatch:
            print(f"(there is no page {name})")
            continue
        if answer.status_code != 200:
            print(f"(the page {name} answers {answer.status_code})")
            continue
        has_ranges = b"?range=" in answer.content
        yield from (Page(name, each, [], []) for each in (RANGES if has_ranges else ("",)))


def _ask(client: Client, page: Page) -> None:
    asked = Asked()
    address = reverse(page.name)
    began = time.perf_counter()
    with connection.execute_wrapper(asked):
        answer = client.get(address, {"range": page.range} if page.range else {})
    page.took.append(time.perf_counter() - began)
    page.asked.append(asked)
    page.failures += answer.status_code != 200


def publish() -> None:
    """The aggregator's part: sixteen processes have reported, and the snapshot is fresh."""
    now = int(datetime.now(UTC).timestamp())
    history.keep_alive(now=now)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        snapshot.publish(snapshot.take(now=now), client)
