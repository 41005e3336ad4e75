"""What the caches' figures say."""

from __future__ import annotations

from typing import Any

import pytest

from memory.caching import stats
from tests.make import NOW
from tests.memory.caching.made import Clock, Road, make_cache, make_link


def traffic(**numbers: Any) -> stats.Traffic:
    nothing = dict.fromkeys(stats.COUNTERS, 0) | {"p50_ms": None, "p95_ms": None}
    return stats.Traffic(**nothing | numbers)


def test_rates_are_none_where_nothing_happened() -> None:
    assert traffic().hit_rate is None
    assert traffic().ratio is None


def test_an_answer_to_a_similar_question_counts_as_one_hit() -> None:
    # the exact look-up missed, and then the similar question's entry was a hit
    assert traffic(hits=3, misses=2, similar=1).hit_rate == 0.75
    assert traffic(bytes_raw=100, bytes_stored=30).ratio == 0.3


def test_contents_are_counted_with_what_is_used_most() -> None:
    clock = Clock()
    cache = make_cache(clock=clock)
    for namespace, keys in {"w:a": "abc", "w:b": "a", "x:a": "ab"}.items():
        for key in keys:
            cache.keep(namespace, key, b"x" * 1000)
    for _ in range(3):
        cache.get("w:b", "a")
    cache.get("w:a", "a")
    cache.get("x:a", "a")
    cache.usage.tell(cache.link, now=clock())
    found = stats.contents(cache)
    assert found is not None
    assert (found.namespaces, found.entries, found.is_estimate) == (3, 6, False)
    assert 6_000 < found.bytes < 12_000
    assert found.top_namespaces[0] == ("w:b", 3)
    assert (found.top_keys[0].namespace, found.top_keys[0].key) == ("w:b", "a")
    mine = stats.contents(cache, scope="x:")
    assert mine is not None
    assert (mine.namespaces, mine.entries) == (1, 2)
    assert [used.namespace for used in mine.top_keys] == ["x:a"]


def test_of_many_namespaces_a_part_is_measured_and_the_rest_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "SAMPLE", 5)
    cache = make_cache()
    for number in range(20):
        cache.keep(f"w:{number}", "k", b"1")
    cache.usage.tell(cache.link, now=cache.clock())
    found = stats.contents(cache)
    assert found is not None
    assert (found.namespaces, found.entries, found.is_estimate) == (20, 20, True)


def test_namespaces_whose_entries_must_be_over_are_not_counted() -> None:
    clock = Clock()
    cache = make_cache(clock=clock, ttl_s=60)
    cache.keep("w:a", "k", b"1")
    cache.usage.tell(cache.link, now=clock())
    clock.pass_s(200)
    found = stats.contents(cache)
    assert found is not None
    assert (found.namespaces, found.entries) == (0, 0)


def test_without_redis_contents_are_unknown(road: Road) -> None:
    cache = make_cache(make_link(road.url))
    road.close()
    assert stats.contents(cache) is None


@pytest.mark.django_db
def test_all_named_caches_have_figures_also_before_anything_happened() -> None:
    found = stats.figures(now=NOW)
    assert [figures.name for figures in found] == ["context", "conversation", "response", "tool", "embedding"]
    assert all(figures.traffic.hits == 0 and figures.traffic.p95_ms is None for figures in found)
    assert all(figures.contents is not None for figures in found)
    with pytest.raises(ValueError, match="range"):
        stats.figures(now=NOW, range_name="1y")
