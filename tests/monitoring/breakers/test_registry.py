from __future__ import annotations

import time

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from monitoring import breakers
from monitoring.breakers import OpenError, Policy, State, Verdict
from monitoring.breakers.registry import MEMBERS_LIMIT, Registry, the_registry
from monitoring.breakers.shared.store import PREFIX
from tests.monitoring.breakers.made import AWAY, make_policy, make_registry
from tests.monitoring.processes import forked

FIVE = Policy(consecutive=None, failure_rate=None, failures=5, window_s=60)


def test_registering_again_gives_the_same_breaker_and_its_new_policy(own_registry: Registry) -> None:
    first = breakers.register("chat", title="Chat", policy=make_policy())
    first.admit().fail("504")
    again = breakers.register(
        "chat", title="Chat", policy=make_policy(consecutive=1), classify=lambda e: Verdict.IGNORE
    )
    assert again is first
    assert again.policy.consecutive == 1
    with pytest.raises(ZeroDivisionError):
        again.call(lambda: 1 / 0)
    assert again.era.window.failed == 1


@pytest.mark.parametrize("name", ["", "Chat", "a b", "a/b", "x" * 61, "ä"])
def test_a_name_is_a_word_that_series_can_have(own_registry: Registry, name: str) -> None:
    with pytest.raises(ValueError, match="a breaker's name"):
        breakers.register(name, title="T", policy=make_policy())
    with pytest.raises(ValueError, match="a breaker's name"):
        breakers.family(name, make_policy(), title="T")


def test_a_round_tells_counts_and_learns_states(own_registry: Registry) -> None:
    mine = breakers.register("chat", title="Chat", policy=make_policy(consecutive=2))
    mine.call(lambda: None)
    other = make_registry()
    elsewhere = other.register(
        "chat", title="Chat", policy=make_policy(consecutive=2), fallback_text="", classify=mine.classify
    )
    for _ in range(2):
        elsewhere.admit().fail("504")
    mine.call(lambda: None)
    own_registry.round()
    assert mine.state is State.OPEN


def test_a_round_survives_the_loss_of_redis_and_finds_it_again(own_registry: Registry) -> None:
    mine = breakers.register("chat", title="Chat", policy=make_policy(consecutive=2))
    breakers.family("users", FIVE, title="User").of("ana").call(lambda: None)
    mine.call(lambda: None)
    client, own_registry.store.client = own_registry.store.client, redis.Redis.from_url(AWAY)
    mine.call(lambda: None)
    own_registry.round()
    assert not mine.is_shared
    own_registry.store.client = client
    own_registry.store._try_at = 0
    own_registry.round()
    assert mine.is_shared


def test_five_failures_of_one_user_stop_that_user_in_every_process_and_nobody_else(own_registry: Registry) -> None:
    here = breakers.family("users", FIVE, title="User")
    there = make_registry()
    other = breakers.Family(there, "users", title="User", policy=FIVE, classify=here.of("x").classify)
    there.families["users"] = other
    for _ in range(4):
        here.of("ana").admit().fail("error")
        here.of("ana").call(lambda: None)
    here.of("ana").admit()
    here.of("ana").admit().fail("error")
    with pytest.raises(OpenError) as caught:
        here.of("ana").admit()
    assert 26 < caught.value.retry_after_s <= 30
    with pytest.raises(OpenError):
        other.of("ana").admit()
    here.of("bob").call(lambda: None)
    other.of("bob").call(lambda: None)


def test_a_member_that_nobody_has_stopped_asks_redis_nothing(own_registry: Registry) -> None:
    family = breakers.family("users", FIVE, title="User")
    family.of("first").call(lambda: None)
    client = redis.Redis.from_url(settings.REDIS_URL)
    before = client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0)
    for number in range(50):
        family.of(f"user-{number}").call(lambda: None)
    own_registry.round()
    after = client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0)
    assert after == before
    assert client.keys(f"{PREFIX}:users/*") == []


def test_a_member_stopped_elsewhere_is_met_in_the_next_round(own_registry: Registry) -> None:
    here = breakers.family("users", FIVE, title="User")
    here.of("ana").call(lambda: None)
    there = breakers.Family(make_registry(), "users", title="User", policy=FIVE, classify=here.of("x").classify)
    for _ in range(5):
        there.of("ana").admit().fail("error")
    own_registry._blocked_at = None
    own_registry.round()
    assert here.of("ana").state is State.OPEN


def test_a_round_leaves_quiet_members_alone(own_registry: Registry) -> None:
    family = breakers.family("users", FIVE, title="User")
    for key in ("ana", "bob", "cid"):
        family.of(key).call(lambda: None)
    family.of("bob").admit().fail("error")
    for _ in range(5):
        family.of("cid").admit().fail("error")
    own_registry.round()
    assert sorted(member.title for member in family.restless(frozenset())) == ["User bob", "User cid"]
    assert family.restless(frozenset({"users/ana"})) != []


def test_the_keys_of_members_go_by_themselves(own_registry: Registry) -> None:
    family = breakers.family("users", FIVE, title="User")
    for _ in range(5):
        family.of("ana").admit().fail("error")
    left_ms = redis.Redis.from_url(settings.REDIS_URL).pttl(f"{PREFIX}:users/ana")
    assert 0 < left_ms <= 2 * 300 * 1000


def test_a_family_keeps_a_bounded_number_in_memory(own_registry: Registry) -> None:
    family = breakers.family("users", FIVE, title="User")
    first = family.of("first")
    for number in range(MEMBERS_LIMIT):
        family.of(str(number))
    assert len(family.members()) == MEMBERS_LIMIT
    assert family.of("first") is not first


def test_a_forked_child_counts_for_itself_and_knows_what_the_store_knows(own_registry: Registry) -> None:
    breaker = breakers.register("chat", title="Chat", policy=make_policy(consecutive=2))
    for _ in range(7):
        breaker.call(lambda: None)
    breaker.admit().fail("504")

    def work() -> tuple[int, int, bool]:
        child = the_registry().breakers["chat"]
        before = child.era.window.ok
        child.admit().fail("504")  # the child's first, so not the second in a row
        return before, child.era.window.failed, child.state is State.CLOSED

    assert forked(work) == (0, 1, True)
    breaker.fold()
    assert breaker.era.window.ok == 7


def test_the_keeper_starts_with_the_first_call() -> None:
    def work() -> tuple[bool, bool, int]:
        registry = the_registry()
        breaker = breakers.register("chat", title="Chat", policy=make_policy())
        before = registry._thread is None
        breaker.call(lambda: None)
        breaker.call(lambda: None)
        deadline = time.monotonic() + 10
        while not (views := [v.ok for v in breakers.overview(timezone.now()) if v.name == "chat"]) or views[0] < 2:
            assert time.monotonic() < deadline, "the keeper told nothing"
            time.sleep(0.02)
        return before, registry._thread is not None and registry._thread.is_alive(), views[0]

    assert forked(work) == (True, True, 2)
