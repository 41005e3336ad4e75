from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis

from monitoring import breakers
from monitoring.breakers import Breaker, Policy, State
from monitoring.breakers.registry import Registry
from monitoring.breakers.shared.store import PREFIX, REGISTERED
from monitoring.tracing import request_id
from tests.monitoring.breakers.made import AWAY, make_policy, make_registry

NOW = datetime(2026, 11, 21, 14, 32, tzinfo=UTC)
POLICY = make_policy(consecutive=4, slow_s=2, slow_rate=0.9, window_s=60)


@pytest.fixture
def chat(own_registry: Registry) -> Breaker:
    return breakers.register("chat", title="Chat", policy=POLICY, fallback_text="the last summary")


def view(name: str = "chat") -> breakers.View:
    return next(each for each in breakers.overview(NOW) if each.name == name)


def test_what_no_process_has_called_yet_is_there_and_closed(chat: Breaker) -> None:
    found = view()
    assert (found.title, found.state, found.policy, found.fallback_text) == (
        "Chat",
        State.CLOSED,
        POLICY,
        "the last summary",
    )
    assert (found.since, found.failure_rate, found.last_failures) == (None, 0.0, ())


def test_the_figures_are_of_all_processes(chat: Breaker) -> None:
    other = make_registry().register("chat", title="Chat", policy=POLICY, fallback_text="", classify=chat.classify)
    for breaker in (chat, other):
        for took_s in (0.1, 0.1, 3.0):
            breaker.admit().succeed(took_s)
        breaker.admit().fail("504 upstream timed out", 8.0)
        breaker.sync()
    found = view()
    assert (found.ok, found.failed, found.slow, found.rejected) == (6, 2, 4, 0)
    assert (found.failure_rate, found.slow_rate, found.shared) == (0.25, 0.5, True)


def test_the_last_failures_say_when_why_how_long_and_in_which_request(chat: Breaker) -> None:
    request_id.begin("req-7fa2c1")
    chat.admit().fail("504 upstream timed out", 8.0)
    chat.admit().fail("x" * 500, 0.2)
    chat.sync()
    request_id.begin("")
    last, first = view().last_failures
    assert (first.why, first.took_s, first.request_id) == ("504 upstream timed out", 8.0, "req-7fa2c1")
    assert timedelta(0) <= NOW - first.at < timedelta(seconds=60)
    assert len(last.why) == 160


def test_only_some_failures_are_kept(chat: Breaker) -> None:
    for number in range(30):
        chat.admit().fail(f"error {number}")
        for _ in range(2):
            chat.admit().succeed()
        chat.sync()
    assert [failure.why for failure in view().last_failures] == [f"error {n}" for n in range(29, 21, -1)]


def test_an_open_one_says_when_it_tries_and_what_it_refused(chat: Breaker) -> None:
    for _ in range(4):
        chat.admit().fail("504")
    for _ in range(3):
        with pytest.raises(breakers.OpenError):
            chat.admit()
    chat.sync()
    found = view()
    assert (found.state, found.rejected, found.opens) == (State.OPEN, 3, 1)
    assert 9 <= found.open_s <= 10
    assert 0 < found.retry_after_s <= found.open_s
    assert found.since == pytest.approx(NOW, abs=timedelta(seconds=30))


def test_a_half_open_one_says_how_many_probes_have_passed(own_registry: Registry) -> None:
    policy = Policy(consecutive=1, successes=3, probes=2, open_s=0.001, open_limit_s=1)
    chat = breakers.register("chat", title="Chat", policy=policy)
    chat.admit().fail("504")
    while not (permit := probing(chat)):
        pass
    permit.succeed()
    assert probing(chat)
    found = view()
    assert (found.state, found.probes_passed, found.probing) == (State.HALF_OPEN, 1, 1)


def probing(breaker: Breaker) -> breakers.Permit | None:
    try:
        return breaker.admit()
    except breakers.OpenError:
        return None


def test_those_in_need_come_first(own_registry: Registry) -> None:
    for name in ("a", "b", "c"):
        breakers.register(name, title=name, policy=make_policy(consecutive=1)).call(lambda: None)
    own_registry.breakers["c"].admit().fail("504")
    breakers.register("d", title="d", policy=make_policy(shadow=True)).call(lambda: None)
    assert [each.name for each in breakers.overview(NOW)] == ["c", "d", "a", "b"]


def test_members_of_families_are_shown_only_while_they_are_not_closed(own_registry: Registry) -> None:
    family = breakers.family("users", make_policy(consecutive=2), title="User")
    for key in ("ana", "bob"):
        family.of(key).call(lambda: None)
        family.of(key).admit().fail("error")
    family.of("bob").admit().fail("error")
    (found,) = breakers.overview(NOW)
    assert (found.name, found.title, found.state) == ("users/bob", "User bob", State.OPEN)


def test_looking_keeps_nothing_alive(chat: Breaker, own_registry: Registry) -> None:
    chat.call(lambda: None)
    chat.sync()
    client = own_registry.store.client
    client.pexpire(f"{PREFIX}:chat", 60_000)
    assert view().shared
    assert 0 < client.pttl(f"{PREFIX}:chat") <= 60_000
    client.delete(f"{PREFIX}:chat")
    own_registry.breakers.clear()
    assert breakers.overview(NOW) == []
    assert own_registry.store.listed(REGISTERED) == []


def test_without_redis_it_shows_what_this_process_knows(chat: Breaker, own_registry: Registry) -> None:
    own_registry.store.client = redis.Redis.from_url(AWAY)
    chat.call(lambda: None)
    for _ in range(4):
        chat.admit().fail("504")
    found = view()
    assert (found.shared, found.state, found.failed) == (False, State.OPEN, 4)
    assert found.retry_after_s > 0


@pytest.mark.parametrize("policy", [Policy(), Policy(failure_rate=None, failures=5, shadow=True), POLICY])
def test_a_policy_comes_back_as_it_was_sent(policy: Policy) -> None:
    assert Policy.from_dict(policy.as_dict() | {"of_tomorrow": 1}) == policy


def test_breakers_that_cut_off_are_counted(own_registry: Registry, chat: Breaker) -> None:
    other = breakers.register("rerank", title="Rerank", policy=POLICY, fallback_text="")
    assert breakers.cut_off() == 0
    for breaker in (chat, other):
        for _ in range(4):
            breaker.admit().fail("504", 0.1)
        breaker.sync()
    assert breakers.cut_off() == 2
