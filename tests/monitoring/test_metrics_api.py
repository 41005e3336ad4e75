from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from monitoring.metrics import snapshot
from monitoring.metrics.snapshot import Snapshot
from monitoring.models import SlowRequest
from tests.memory.api.conftest import Api, api, make_api
from tests.monitoring.operated import SLOWED, record_operations

__all__ = ["api", "make_api"]

pytestmark = pytest.mark.django_db


def test_operations_series_and_slow_requests_are_told(make_api: Callable[..., Api]) -> None:
    record_operations(now=timezone.now())
    reader = make_api(scope="read")
    status, found = reader.get("metrics/operations")
    first = found["items"][0]
    assert (status, first["name"], first["kind"]) == (200, "job.export_memories", "jobs")
    assert first["p50_s"] <= first["p95_s"] <= first["p99_s"]
    assert {item["kind"] for item in reader.get("metrics/operations?kind=web")[1]["items"]} == {"web"}

    status, series = reader.get(f"metrics/series?name={SLOWED}&range=15m")
    assert (status, series["kind"], len(series["values"]), len(series["p95"])) == (200, "latency", 90, 90)
    assert reader.get("metrics/series?name=nonsense")[0] == 404

    ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        _, page = reader.get(f"metrics/slow-requests?operation={SLOWED}&limit=4{cursor and f'&cursor={cursor}'}")
        ids += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert (len(ids), len(set(ids))) == (10, 10)
    assert ids == sorted(ids, reverse=True)
    shown = reader.get("metrics/slow-requests?least_s=0.8")[1]["items"]
    assert [(item["seconds"], item["failed"], item["parts"][0]["name"]) for item in shown] == [(0.9, True, "database")]
    assert SlowRequest.objects.count() == 10


@pytest.mark.parametrize("query", ["operations?range=2h", "operations?kind=x", "slow-requests?limit=0", "series"])
def test_what_can_not_be_answered_is_refused_with_a_reason(api: Api, query: str) -> None:
    status, problem = api.get(f"metrics/{query}")
    assert (status, bool(problem["detail"])) == (422, True)


def test_missing_processes_are_told_in_words() -> None:
    partial, whole = (Snapshot(0, n, 16).reporting for n in (14, 16))
    assert (partial, whole) == ("partial: 14 of 16 processes reporting", "16 of 16")
    assert snapshot.Snapshot(0, 14, 16).is_partial
