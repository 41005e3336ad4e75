from __future__ import annotations

import multiprocessing
import time

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from memory.providers.base import ProviderRateLimitedError
from memory.providers.guard import Deadline
from memory.providers.guard import limit as limit_module
from memory.providers.guard.limit import Bucket, Limit
from tests.memory.providers.guard.made import Hand, Since

GAPS = st.lists(st.floats(0, 0.3), min_size=1, max_size=80)


def far(hand: Hand) -> Deadline:
    return Deadline(3600, hand.clock)


@given(gaps=GAPS, rate=st.integers(1, 200), tokens=st.integers(1, 40))
def test_no_span_of_time_has_more_turns_than_a_full_bucket_and_what_it_brings(
    gaps: list[float], rate: int, tokens: int
) -> None:
    bucket = Bucket(one_s=1 / rate, whole_s=tokens / rate)
    now, turns = 0.0, []
    for gap in gaps:
        now += gap
        turns.append(now + bucket.take(now=now, most_s=1e9))
    assert turns == sorted(turns)
    for i, first in enumerate(turns):
        for j in range(i, len(turns)):
            assert j - i + 1 <= tokens + rate * (turns[j] - first) + 1e-6


@given(gaps=GAPS, rate=st.integers(1, 50))
def test_a_turn_that_comes_too_late_is_not_taken(gaps: list[float], rate: int) -> None:
    patient, hasty = Bucket(one_s=1 / rate, whole_s=1 / rate), Bucket(one_s=1 / rate, whole_s=1 / rate)
    now = 0.0
    for gap in gaps:
        now += gap
        if (wait := hasty.take(now=now, most_s=0.1)) >= 0:
            assert wait <= 0.1
            assert patient.take(now=now, most_s=0.1) == pytest.approx(wait)


def test_turns_beyond_the_burst_come_at_the_rate() -> None:
    hand = Hand()
    limit = Limit("paced", rate_per_s=5, clock=hand.clock)
    since = Since()
    for _ in range(20):
        limit.take(far(hand))
    assert hand.waits[-1] == since + 3.8
    assert len(hand.waits) == 19


def test_two_processes_share_one_rate() -> None:
    hand = Hand()
    here, there = (Limit("shared", rate_per_s=10, clock=hand.clock) for _ in range(2))
    since = Since()
    for _ in range(5):
        here.take(far(hand))
        there.take(far(hand))
    assert hand.waits[-1] == since + 0.9


def test_a_turn_that_would_come_after_the_deadline_is_refused_at_once_with_its_time() -> None:
    hand = Hand()
    limit = Limit("late", rate_per_s=0.1, clock=hand.clock)
    since = Since()
    limit.take(Deadline(5, hand.clock))
    with pytest.raises(ProviderRateLimitedError) as refused:
        limit.take(Deadline(5, hand.clock))
    assert refused.value.retry_after_s == since + 10
    assert hand.waits == []


def test_a_hold_of_hours_is_cut_to_ten_minutes_and_leaves_redis_clean() -> None:
    hand = Hand()
    limit = Limit("rude", rate_per_s=10, clock=hand.clock)
    since = Since()
    limit.hold(86_400)
    with pytest.raises(ProviderRateLimitedError) as refused:
        limit.take(Deadline(5, hand.clock))
    assert refused.value.retry_after_s == since + 600
    assert 0 < int(limit_module.store().pttl("provider:{rude}:limit")) <= 602_000


@pytest.fixture
def redis_away(monkeypatch: pytest.MonkeyPatch) -> None:
    away = redis.Redis.from_url("unix:///nonexistent/redis.sock")
    monkeypatch.setattr(limit_module, "_script", lambda: away.register_script(limit_module.SCRIPT))


@pytest.mark.usefixtures("redis_away")
def test_without_redis_the_process_counts_for_itself_and_asks_again_after_a_second() -> None:
    hand = Hand()
    limit = Limit("alone", rate_per_s=10, clock=hand.clock)
    for _ in range(4):
        limit.take(far(hand))
    assert hand.waits == pytest.approx([0.1, 0.1, 0.1])
    assert limit._away_until == pytest.approx(1001.0)
    limit.hold(3.0)
    with pytest.raises(ProviderRateLimitedError):
        limit.take(Deadline(1, hand.clock))


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_is_positive(rate: int) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Limit("none", rate_per_s=rate)


def _take_many(name: str, n: int, done: multiprocessing.SimpleQueue[float]) -> None:
    limit = Limit(name, rate_per_s=100)
    for _ in range(n):
        limit.take(Deadline(60))
        done.put(time.monotonic())


@pytest.mark.chaos
def test_real_processes_together_keep_the_rate() -> None:
    context = multiprocessing.get_context("fork")
    done: multiprocessing.SimpleQueue[float] = context.SimpleQueue()
    processes = [context.Process(target=_take_many, args=("crowd", 15, done)) for _ in range(4)]
    for process in processes:
        process.start()
    turns = sorted(done.get() for _ in range(60))
    for process in processes:
        process.join()
    assert turns[-1] - turns[0] >= (60 - 10) / 100 - 0.02
