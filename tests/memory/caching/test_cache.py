from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.caching import clear, forget_scope, forget_tag
from tests.memory.caching.made import Clock, counted, listen, make_cache


def test_what_was_kept_is_found_until_its_time_is_over() -> None:
    clock = Clock()
    cache = make_cache(clock=clock, ttl_s=60)
    assert cache.keep("w:a", "k", b"value")
    clock.pass_s(59.9)
    assert cache.get("w:a", "k") == b"value"
    clock.pass_s(0.2)
    assert cache.get("w:a", "k") is None
    assert (counted(cache, "hits"), counted(cache, "misses")) == (1, 1)


def test_an_entry_has_its_own_time_and_none_outlives_the_longest() -> None:
    clock = Clock()
    cache = make_cache(clock=clock, ttl_s=60, ttl_limit_s=100)
    cache.keep("w:a", "short", b"1", ttl_s=10)
    cache.keep("w:a", "long", b"2", ttl_s=10_000)
    clock.pass_s(11)
    assert (cache.get("w:a", "short"), cache.get("w:a", "long")) == (None, b"2")
    clock.pass_s(90)
    assert cache.get("w:a", "long") is None


def test_a_value_made_before_an_invalidation_is_not_kept_after_it() -> None:
    cache = make_cache()
    version = cache.look_up("w:a", "k").version
    cache.forget_namespaces(["w:a"])
    assert not cache.keep("w:a", "k", b"old", version=version)
    assert cache.look_up("w:a", "k").answer is None


def test_forgetting_one_key_leaves_the_others_and_drops_what_is_being_made() -> None:
    cache = make_cache()
    cache.keep("w:a", "k", b"1")
    cache.keep("w:a", "other", b"2")
    version = cache.look_up("w:a", "new").version
    assert cache.forget("w:a", "k", "unknown") == 1
    assert (cache.get("w:a", "k"), cache.get("w:a", "other")) == (None, b"2")
    assert not cache.keep("w:a", "k", b"old", version=version)


def test_a_tag_is_forgotten_in_one_namespace_or_in_all_of_a_scope() -> None:
    cache = make_cache()
    for namespace in ("w:a", "w:b", "x:a"):
        cache.keep(namespace, "tagged", b"1", tags=["red", "re"])
        cache.keep(namespace, "plain", b"2")
    assert forget_tag(cache, "red", scope="w", namespace="w:a") == 1
    assert forget_tag(cache, "red", scope="w") == 1
    assert cache.get("w:b", "tagged") is None
    assert cache.get("w:b", "plain") == b"2"
    assert cache.get("x:a", "tagged") == b"1"
    assert forget_tag(cache, "ed", scope="x") == 0  # part of a tag is another tag


def test_an_entry_kept_again_without_its_tag_is_not_forgotten_with_it() -> None:
    cache = make_cache()
    cache.keep("w:a", "k", b"1", tags=["red"])
    cache.keep("w:a", "k", b"2")
    assert forget_tag(cache, "red", scope="w") == 0
    assert cache.get("w:a", "k") == b"2"


def test_a_scope_and_a_whole_cache_can_be_emptied_without_touching_others() -> None:
    cache, other = make_cache(), make_cache()
    for namespace in ("w:a", "w*:a", "x:a"):
        cache.keep(namespace, "k", b"1")
    other.keep("w:a", "k", b"1")
    forget_scope(cache, "w*")
    assert (cache.get("w:a", "k"), cache.get("w*:a", "k")) == (b"1", None)
    clear(cache)
    assert (cache.get("w:a", "k"), cache.get("x:a", "k"), other.get("w:a", "k")) == (None, None, b"1")


def test_a_full_namespace_evicts_what_was_used_longest_ago() -> None:
    clock = Clock()
    cache = make_cache(clock=clock, entries=3)
    for key in ("a", "b", "c"):
        cache.keep("w:a", key, b"1")
        clock.pass_s(1)
    assert cache.get("w:a", "a") == b"1"
    cache.usage.tell(cache.link, now=clock())
    clock.pass_s(1)
    cache.keep("w:a", "d", b"1")
    assert [cache.get("w:a", key) for key in "abcd"] == [b"1", None, b"1", b"1"]
    assert counted(cache, "evictions") == 1


def test_use_of_an_entry_that_is_gone_does_not_bring_it_back_into_the_order() -> None:
    cache = make_cache(entries=1)
    cache.keep("w:a", "a", b"1")
    cache.get("w:a", "a")
    cache.forget("w:a", "a")
    cache.usage.tell(cache.link, now=cache.clock())
    cache.keep("w:a", "b", b"1")
    assert cache.get("w:a", "b") == b"1"


def test_entries_stay_bounded_when_redis_evicts_their_order() -> None:
    cache = make_cache(entries=2)
    cache.keep("w:a", "a", b"1")
    cache.keep("w:a", "b", b"1")
    cache.link.ask("UNLINK", cache.keys("w:a")[1])
    assert not cache.keep("w:a", "c", b"1")
    assert cache.link.ask("EXISTS", cache.keys("w:a")[0]) == 0
    assert cache.keep("w:a", "c", b"1")


def test_large_values_are_compressed_and_counted_before_and_after() -> None:
    cache = make_cache()
    value = b"The quick brown fox. " * 1000
    cache.keep("w:a", "k", value)
    assert cache.get("w:a", "k") == value
    assert counted(cache, "bytes_raw") == len(value)
    assert counted(cache, "bytes_stored") < len(value) / 10


def test_a_value_over_the_limit_is_counted_and_not_kept() -> None:
    cache = make_cache(value_limit=10)
    assert not cache.keep("w:a", "k", b"x" * 11)
    assert cache.get("w:a", "k") is None
    assert counted(cache, "oversized") == 1


@pytest.mark.parametrize("damage", [b"", b"r", b"?12345678value", b"z12345678no zstd", b"d12345678no zlib"])
def test_bytes_that_are_no_entry_are_a_miss(damage: bytes) -> None:
    cache = make_cache(clock=Clock(0.0))
    cache.keep("w:a", "k", b"1")
    cache.link.ask("HSET", cache.keys("w:a")[0], ".k", damage)
    assert cache.get("w:a", "k") is None
    assert cache.look_up("w:a", "k").answer is None


def test_namespaces_keys_and_caches_do_not_mix() -> None:
    cache, other = make_cache(), make_cache()
    cache.keep("w:a", "v", b"the key named v")
    assert cache.get("w:a", "v") == b"the key named v"
    assert cache.get("w:a:v", "") is None
    assert other.get("w:a", "v") is None
    cache.keep("w:}{", "ü €", b"1")
    assert cache.get("w:}{", "ü €") == b"1"


def test_several_keys_are_one_round_trip_and_keep_their_order() -> None:
    cache = make_cache()
    cache.keep_many("w:a", {"a": b"1", "b": b"2"})
    asked = listen(cache)
    assert cache.get_many("w:a", ["b", "x", "a"]) == [b"2", None, b"1"]
    assert len(asked) == 1
    assert (counted(cache, "hits"), counted(cache, "misses")) == (2, 1)


def test_the_first_level_answers_without_redis_within_its_bounds() -> None:
    cache = make_cache(local_entries=2, local_s=60)
    for key in ("a", "b", "c"):
        cache.keep("w:a", key, key.encode())
    cache.link.ask("FLUSHALL")
    assert [cache.get("w:a", key) for key in "abc"] == [None, b"b", b"c"]
    cache.forget("w:a", "b")
    assert cache.get("w:a", "b") is None


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["keep", "get", "forget", "drop", "pass"]), st.integers(0, 4)), max_size=40))
def test_a_cache_never_returns_anything_but_the_last_value_kept(steps: list[tuple[str, int]]) -> None:
    clock = Clock()
    cache = make_cache(clock=clock, ttl_s=10, entries=3)
    model: dict[str, tuple[bytes, float]] = {}
    for number, (step, n) in enumerate(steps):
        key = f"k{n}"
        if step == "keep":
            value = random.Random(number).randbytes(20_000 if n == 4 else 20)
            cache.keep("w:a", key, value)
            model[key] = (value, clock() + 10)
        elif step == "forget":
            cache.forget("w:a", key)
            model.pop(key, None)
        elif step == "drop":
            cache.forget_namespaces(["w:a"])
            model.clear()
        elif step == "pass":
            clock.pass_s(n)
        expected, until = model.get(key, (None, 0.0))
        found = cache.get("w:a", key)
        assert step != "keep" or found == value
        assert found is None or (found == expected and clock() < until)
        assert cache.link.ask("HLEN", cache.keys("w:a")[0]) <= 4  # three entries and the version
    if len(model) <= 3:
        fresh = {key: value for key, (value, until) in model.items() if clock() < until}
        assert all(cache.get("w:a", key) in {value, None} for key, value in fresh.items())
