from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from django.conf import settings

from monitoring import breakers
from monitoring.breakers import Breaker, Journal, OpenError, RefusedError, State
from monitoring.breakers.registry import Registry, the_registry
from monitoring.models import BreakerOverride, Event
from tests.monitoring.breakers.made import AWAY, make_policy, make_registry, make_store

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 14, 32, tzinfo=UTC)
SOON = NOW + timedelta(minutes=30)
HAND: dict[str, Any] = {"actor": "ana", "reason": "the provider told us so", "now": NOW}


@pytest.fixture
def breaker(own_registry: Registry) -> Breaker:
    return breakers.register("chat", title="Chat", policy=make_policy(consecutive=2), fallback_text="extracts")


def view() -> breakers.View:
    (found,) = breakers.overview(NOW)
    return found


def flush_redis() -> None:
    redis.Redis.from_url(settings.REDIS_URL).flushall()


@pytest.mark.parametrize(
    ("order", "state"),
    [
        (breakers.force_open, State.FORCED_OPEN),
        (breakers.disable, State.DISABLED),
        (breakers.force_closed, State.DISABLED),
        (breakers.metrics_only, State.METRICS_ONLY),
    ],
)
def test_an_order_holds_at_once_and_is_on_record(breaker: Breaker, order: Callable[..., Any], state: State) -> None:
    order("chat", until=SOON, **HAND)
    assert breaker.state is state
    override = view().override
    assert override is not None
    assert (override.mode, override.actor, override.reason) == (state, "ana", "the provider told us so")
    assert override.until == pytest.approx(SOON, abs=timedelta(seconds=1))
    row = BreakerOverride.objects.get()
    assert (row.mode, row.until, row.ended_at) == (state, SOON, None)


def test_what_is_forced_open_refuses_and_what_is_disabled_never_trips(breaker: Breaker) -> None:
    breakers.force_open("chat", until=SOON, **HAND)
    with pytest.raises(OpenError) as caught:
        breaker.call(lambda: 1)
    assert caught.value.state is State.FORCED_OPEN
    assert 1700 < caught.value.retry_after_s <= 1800
    breakers.disable("chat", until=SOON, **HAND)
    for _ in range(10):
        breaker.admit().fail("504")
    breaker.sync()
    assert breaker.state is State.DISABLED


def test_it_obeys_in_every_process(breaker: Breaker, own_registry: Registry) -> None:
    other = make_registry()
    elsewhere = other.register("chat", title="Chat", policy=make_policy(), fallback_text="", classify=breaker.classify)
    elsewhere.call(lambda: None)
    breakers.force_open("chat", until=SOON, **HAND)
    elsewhere.sync()
    assert elsewhere.state is State.FORCED_OPEN


def test_one_override_replaces_another(breaker: Breaker) -> None:
    breakers.force_open("chat", until=SOON, **HAND)
    breakers.disable("chat", until=SOON, **HAND)
    assert breaker.state is State.DISABLED
    first, second = BreakerOverride.objects.order_by("since", "id")
    assert (first.ended_at, first.ended_by, second.ended_at) == (NOW, "ana", None)


def test_the_end_of_an_override_is_a_closed_breaker(breaker: Breaker) -> None:
    breakers.force_open("chat", until=SOON, **HAND)
    breakers.end_override("chat", actor="bob", reason="it is over now", now=SOON)
    assert breaker.state is State.CLOSED
    row = BreakerOverride.objects.get()
    assert (row.ended_at, row.ended_by, row.end_reason) == (SOON, "bob", "it is over now")
    with pytest.raises(RefusedError, match="not overridden"):
        breakers.end_override("chat", **HAND)


def test_a_reset_closes_and_forgets(breaker: Breaker) -> None:
    for _ in range(2):
        breaker.admit().fail("504")
    assert breaker.state is State.OPEN
    breakers.reset("chat", **HAND)
    assert (breaker.state, view().failed, breaker.seen.opens) == (State.CLOSED, 0, 0)
    breaker.call(lambda: None)


def test_an_override_is_ended_not_reset(breaker: Breaker) -> None:
    breakers.force_open("chat", until=SOON, **HAND)
    with pytest.raises(RefusedError, match="end the override"):
        breakers.reset("chat", **HAND)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"reason": "because"}, "reason"),
        ({"reason": "       \n  x  "}, "reason"),
        ({"actor": ""}, "actor"),
        ({"until": None}, "until"),
        ({"until": NOW}, "until"),
        ({"until": NOW + timedelta(hours=25)}, "until"),
    ],
)
def test_an_order_needs_a_reason_somebody_and_an_end(breaker: Breaker, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(RefusedError) as caught:
        breakers.force_open("chat", **HAND | {"until": SOON} | wrong)
    assert caught.value.field == field
    assert not BreakerOverride.objects.exists()


@pytest.mark.usefixtures("own_registry")
def test_nobody_can_order_about_a_breaker_that_nobody_has() -> None:
    for order in (breakers.force_open, breakers.reset):
        with pytest.raises(RefusedError, match="no breaker is called 'chta'"):
            order("chta", **HAND | ({"until": SOON} if order is breakers.force_open else {}))
    assert not BreakerOverride.objects.exists()


# The rows are what counts


def tick(now: datetime = NOW) -> None:
    Journal(make_store()).tick(int(now.timestamp()))


def test_orders_survive_the_loss_of_redis_memory(breaker: Breaker, own_registry: Registry) -> None:
    breakers.force_open("chat", until=SOON, **HAND)
    flush_redis()
    stranger = make_registry().register(
        "chat", title="Chat", policy=make_policy(), fallback_text="", classify=breaker.classify
    )
    stranger.call(lambda: None)  # nobody has told it
    tick()
    stranger.sync()
    assert stranger.state is State.FORCED_OPEN
    assert stranger.retry_after_s == pytest.approx(1800, abs=5)


def test_an_order_that_redis_did_not_hear_is_told_later(breaker: Breaker, own_registry: Registry) -> None:
    breaker.call(lambda: None)
    own_registry.store.client = redis.Redis.from_url(AWAY)
    breakers.force_open("chat", until=SOON, **HAND)
    with pytest.raises(RefusedError, match="unreachable"):
        breakers.reset("chat", **HAND | {"now": SOON})
    own_registry.store = make_store()
    tick()
    assert view().state is State.FORCED_OPEN


def test_an_order_whose_end_redis_did_not_hear_is_ended_later(breaker: Breaker, own_registry: Registry) -> None:
    breakers.force_open("chat", until=SOON, **HAND)
    own_registry.store.client = redis.Redis.from_url(AWAY)
    breakers.end_override("chat", **HAND)
    tick()
    assert make_store().listed("{breakers}:registered") == ["chat"]
    breaker.forget(make_store())
    breaker.sync()
    assert breaker.state is State.CLOSED


def test_an_expired_order_is_ended_in_the_rows(breaker: Breaker) -> None:
    breakers.force_open("chat", until=SOON, **HAND)
    tick(SOON)
    row = BreakerOverride.objects.get()
    assert (row.ended_at, row.ended_by) == (SOON, "")
    breaker.sync()
    assert breaker.state is State.CLOSED


def test_a_tick_changes_nothing_that_agrees(breaker: Breaker) -> None:
    breakers.force_open("chat", until=SOON, **HAND)
    version = breaker.seen.version
    for _ in range(3):
        tick()
    breaker.sync()
    assert breaker.seen.version == version
    assert Event.objects.count() == 1


def test_an_order_is_an_event_by_hand(breaker: Breaker) -> None:
    breakers.force_open("chat", until=SOON, **HAND)
    breakers.end_override("chat", **HAND)
    breakers.reset("chat", **HAND)
    tick()
    told = list(Event.objects.order_by("id").values_list("kind", "tone", "actor", "text"))
    assert told == [
        ("breaker", "hand", "ana", "Chat forced open: the provider told us so"),
        ("breaker", "hand", "ana", "Chat: no longer forced open. the provider told us so"),
        ("breaker", "hand", "ana", "Chat reset: the provider told us so"),
    ]
    assert the_registry().breakers["chat"].state is State.CLOSED
