from __future__ import annotations

import json
import logging
import random
import time
from collections import Counter
from collections.abc import Generator, Iterator

import pytest
from pytest_django import Settings

from memory.providers.base import (
    ProviderBadAnswerError,
    ProviderCredentialsError,
    ProviderError,
    ProviderOpenError,
    ProviderRateLimitedError,
    ProviderRefusedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from memory.providers.guard import Deadline, Guard, Reply
from memory.providers.guard.retry import pause_s
from monitoring.breakers import Policy, State
from monitoring.metrics import record
from tests.memory.providers.guard.made import Hand, Provider, Since, judged, make_guard, transitions


@pytest.fixture(autouse=True)
def nothing_recorded() -> None:
    record.drain()


def counted(guard: Guard) -> dict[str, float]:
    """What was counted since the last look, by counter, without bytes and tokens of zero."""
    prefix = f"provider.{guard.name}."
    return {
        name.removeprefix(prefix): value for name, value in record.drain().counters.items() if name.startswith(prefix)
    }


def test_an_answer_passes_and_everything_of_it_is_counted() -> None:
    hand = Hand()
    guard = make_guard(hand)
    reply = Reply(
        "answer",
        items=3,
        prompt_tokens=1000,
        completion_tokens=200,
        bytes_raw=9000,
        bytes_sent=3000,
        model="gpt-4o-mini-2024-07-18",
    )
    assert guard.call(Provider(reply, takes_s=0.25, hand=hand), operation="say") == "answer"
    assert judged(guard) == (1, 0)
    delta = record.drain()
    assert delta.latencies[f"provider.{guard.name}"].seconds == pytest.approx(0.25)
    assert {name.rpartition(".")[2]: value for name, value in delta.counters.items() if guard.name in name} == {
        "requests": 1,
        "ok": 1,
        "items": 3,
        "batches": 1,
        "tokens_in": 1000,
        "tokens_out": 200,
        "bytes_raw": 9000,
        "bytes_sent": 3000,
        "microdollars": pytest.approx(1000 * 0.15 + 200 * 0.60),
    }


def test_tokens_of_a_model_without_a_price_are_counted_as_such() -> None:
    guard = make_guard()
    guard.call(Provider(Reply("answer", prompt_tokens=7, completion_tokens=2, model="of-our-own")), operation="say")
    assert counted(guard)["unpriced"] == 9


def test_a_failure_is_retried_until_it_mends() -> None:
    hand = Hand()
    guard = make_guard(hand)
    provider = Provider(ProviderUnavailableError("HTTP 503"), ProviderBadAnswerError("no JSON"), "answer")
    assert guard.call(provider, operation="say") == "answer"
    assert provider.asked == 3
    assert len(hand.waits) == 2
    assert judged(guard) == (1, 0)
    assert counted(guard) == {"requests": 1, "ok": 1, "retried": 2, "items": 1}


def test_after_the_last_attempt_its_error_is_raised() -> None:
    hand = Hand()
    guard = make_guard(hand, attempts=2)
    provider = Provider(ProviderUnavailableError("the first"), ProviderUnavailableError("the second"))
    with pytest.raises(ProviderUnavailableError, match="the second"):
        guard.call(provider, operation="say")
    assert judged(guard) == (0, 1)
    assert counted(guard) == {"requests": 1, "failed": 1, "retried": 1}


@pytest.mark.parametrize("problem", [ProviderRefusedError("HTTP 400: too long"), ProviderCredentialsError("HTTP 401")])
def test_a_permanent_error_is_never_retried(problem: ProviderError) -> None:
    guard, provider = make_guard(Hand()), Provider(problem)
    with pytest.raises(type(problem)):
        guard.call(provider, operation="say")
    assert provider.asked == 1


def test_a_request_at_fault_says_nothing_about_the_provider() -> None:
    guard = make_guard(Hand())
    for _ in range(10):
        with pytest.raises(ProviderRefusedError):
            guard.call(Provider(ProviderRefusedError("HTTP 400")), operation="say")
    assert judged(guard) == (0, 0)
    assert guard.breaker.state is State.CLOSED


def test_a_wrong_key_opens_the_breaker_at_once_and_names_its_setting() -> None:
    guard = make_guard(Hand(), credential="HOLDFAST_CHAT_KEY")
    with pytest.raises(ProviderCredentialsError):
        guard.call(Provider(ProviderCredentialsError("HTTP 401: sk-secret is unknown")), operation="say")
    assert guard.breaker.state is State.OPEN
    said = json.dumps(transitions())
    assert "credentials refused: check HOLDFAST_CHAT_KEY" in said
    assert "sk-secret" not in said


def test_a_wrong_key_is_logged_by_the_name_of_its_setting(caplog: pytest.LogCaptureFixture) -> None:
    guard = make_guard(Hand(), credential="HOLDFAST_CHAT_KEY")
    with caplog.at_level(logging.WARNING), pytest.raises(ProviderCredentialsError):
        guard.call(Provider(ProviderCredentialsError("HTTP 401: sk-secret is unknown")), operation="say")
    assert "event=provider_credentials" in caplog.text
    assert "setting=HOLDFAST_CHAT_KEY" in caplog.text
    assert "sk-secret" not in caplog.text


def test_the_deadline_is_of_all_attempts_together() -> None:
    hand = Hand()
    guard = make_guard(hand, timeout_s=5.0, attempts=100)
    provider = Provider(ProviderTimeoutError("no answer"), takes_s=2.0, hand=hand)
    began = hand.at
    with pytest.raises(ProviderTimeoutError):
        guard.call(provider, operation="say")
    assert provider.left_s == sorted(provider.left_s, reverse=True)
    assert provider.asked <= 3
    assert sum(hand.waits) + provider.asked * 2.0 == pytest.approx(hand.at - began)
    assert hand.at - began - 2.0 < 5.0  # no attempt began after the deadline


def test_pauses_are_jittered_grow_and_end_where_time_is_short() -> None:
    chance, problem = random.Random(4), ProviderUnavailableError("HTTP 503")
    first = [pause_s(problem, attempt=1, left_s=5, chance=chance) for _ in range(500)]
    fifth = [pause_s(problem, attempt=5, left_s=5, chance=chance) for _ in range(500)]
    assert 0 <= min(filter(None, first)) < 0.01
    assert 0.09 < max(filter(None, first)) <= 0.1
    assert 1.5 < max(filter(None, fifth)) <= 1.6
    assert pause_s(problem, attempt=1, left_s=0.04, chance=chance) is None


def test_the_time_that_an_unavailable_provider_asks_for_is_waited_for_or_not_begun() -> None:
    chance, problem = random.Random(4), ProviderUnavailableError("HTTP 503", retry_after_s=2.0)
    assert 2.0 <= (pause_s(problem, attempt=1, left_s=5, chance=chance) or 0) <= 2.1
    assert pause_s(problem, attempt=1, left_s=2, chance=chance) is None


@pytest.mark.django_db  # an open breaker asks its flag
def test_an_open_breaker_refuses_at_once_and_nobody_is_asked() -> None:
    hand = Hand()
    guard = make_guard(hand, rate_per_s=1, attempts=1, timeout_s=60)
    provider = Provider(ProviderUnavailableError("HTTP 503"))
    for _ in range(5):
        with pytest.raises(ProviderUnavailableError, match="503"):
            guard.call(provider, operation="say")
    assert provider.asked == 5
    record.drain()
    waited = sum(hand.waits)
    for _ in range(20):
        with pytest.raises(ProviderOpenError) as refused:
            guard.call(provider, operation="say")
    # up to a tenth of the open time is taken off by chance
    assert 0 < (refused.value.retry_after_s or 0) <= 30
    assert isinstance(refused.value, ProviderUnavailableError)
    # no turn of the rate is waited for or taken
    assert (provider.asked, sum(hand.waits)) == (5, waited)
    assert counted(guard) == {"rejected": 20}


def test_a_probe_asks_once_and_the_breaker_closes_by_its_answers() -> None:
    guard = make_guard(Hand(), policy=Policy(consecutive=1, open_s=0.05, successes=1, probes=1))
    provider = Provider(*[ProviderUnavailableError("HTTP 503")] * 4, "answer")
    with pytest.raises(ProviderUnavailableError):
        guard.call(provider, operation="say")
    assert provider.asked == 3
    wait_for_probe(guard)
    with pytest.raises(ProviderUnavailableError, match="503"):
        guard.call(provider, operation="say")
    assert provider.asked == 4
    wait_for_probe(guard)
    assert guard.call(provider, operation="say") == "answer"
    assert guard.breaker.state is State.CLOSED


def wait_for_probe(guard: Guard) -> None:
    """Until the open time, which is short here, has passed by Redis' clock."""
    assert guard.breaker.state is State.OPEN
    time.sleep(guard.breaker.retry_after_s + 0.01)


def test_being_asked_too_often_holds_everybody_back_as_long_as_the_provider_said() -> None:
    hand = Hand()
    name = "held-back"
    guard, other = (make_guard(hand, name=name, timeout_s=60.0) for _ in range(2))
    provider = Provider(ProviderRateLimitedError("HTTP 429", retry_after_s=30.0), "answer")
    since = Since()
    assert guard.call(provider, operation="say") == "answer"
    assert hand.waits[-1] == since + 30
    assert judged(guard) == (1, 0)
    other.call(Provider("answer"), operation="say")
    # the clock was moved by hand: Redis' own, by which all processes go, was not
    assert hand.waits[-1] == since + 30.001


def test_a_wait_that_does_not_fit_the_deadline_is_not_begun() -> None:
    hand = Hand()
    guard = make_guard(hand, timeout_s=5.0)
    provider = Provider(ProviderRateLimitedError("HTTP 429", retry_after_s=60.0), "answer")
    since = Since()
    with pytest.raises(ProviderRateLimitedError) as limited:
        guard.call(provider, operation="say")
    assert limited.value.retry_after_s == 60.0
    with pytest.raises(ProviderRateLimitedError) as limited:
        guard.call(provider, operation="say")
    assert limited.value.retry_after_s == since + 60.001
    assert (provider.asked, sum(hand.waits)) == (1, 0)
    assert judged(guard) == (0, 0)  # a breaker never opens by it
    assert counted(guard) == {"requests": 1, "failed": 1, "limited": 1, "rejected": 1}


def test_a_provider_that_says_no_time_is_left_alone_longer_each_time() -> None:
    hand = Hand()
    guard = make_guard(hand, timeout_s=60.0, attempts=4)
    provider = Provider(*[ProviderRateLimitedError("HTTP 429")] * 3, "answer")
    since = Since()
    assert guard.call(provider, operation="say") == "answer"
    assert list(filter(None, hand.waits)) == [since + 1, since + 2, since + 4]


def test_a_provider_is_not_blamed_for_the_time_that_was_spent_waiting_for_a_turn() -> None:
    hand = Hand()
    guard = make_guard(hand, timeout_s=5.0, attempts=2)
    limited = ProviderRateLimitedError("HTTP 429", retry_after_s=4.0)
    provider = Provider(limited, ProviderTimeoutError("no answer"), takes_s=0.5, hand=hand)
    with pytest.raises(ProviderTimeoutError):
        guard.call(provider, operation="say")
    assert provider.asked == 2
    assert judged(guard) == (0, 0)


def test_with_metrics_off_nothing_is_counted(settings: Settings) -> None:
    settings.HOLDFAST_METRICS = False
    guard = make_guard()
    assert guard.call(Provider("answer"), operation="say") == "answer"
    assert counted(guard) == {}


class TimeLimitError(Exception):
    """As a worker's time limit raises it in the middle of whatever runs."""


@pytest.mark.parametrize("interruption", [TimeLimitError(), KeyboardInterrupt(), SystemExit()])
def test_an_interruption_passes_and_says_nothing_about_the_provider(interruption: BaseException) -> None:
    guard = make_guard(Hand())
    provider = Provider(interruption)
    with pytest.raises(type(interruption)):
        guard.call(provider, operation="say")
    assert provider.asked == 1
    assert judged(guard) == (0, 0)
    assert counted(guard) == {}


def pieces(*script: str | Exception, reply: Reply[None] | None = None) -> Generator[str, None, Reply[None] | None]:
    for piece in script:
        if isinstance(piece, Exception):
            raise piece
        yield piece
    return reply


def test_a_stream_is_handed_on_piece_by_piece_with_its_figures() -> None:
    guard = make_guard()
    reply = Reply(None, prompt_tokens=10, completion_tokens=4, model="gpt-4o")
    stream = guard.stream(lambda deadline: pieces("It", " rains", reply=reply))
    assert judged(guard) == (0, 0)
    assert list(stream) == ["It", " rains"]
    assert judged(guard) == (1, 0)
    assert counted(guard) == {
        "requests": 1,
        "ok": 1,
        "items": 1,
        "tokens_in": 10,
        "tokens_out": 4,
        "microdollars": pytest.approx(10 * 2.5 + 4 * 10),
    }


def test_a_stream_is_retried_until_its_first_piece() -> None:
    guard = make_guard(Hand())
    tries = iter([pieces(ProviderUnavailableError("HTTP 503")), pieces("It", " rains")])
    assert "".join(guard.stream(lambda deadline: next(tries))) == "It rains"
    assert counted(guard)["retried"] == 1


def test_a_stream_that_breaks_off_raises_from_the_iterator_and_counts_as_failed() -> None:
    guard = make_guard(Hand())
    stream = guard.stream(lambda deadline: pieces("It", ProviderUnavailableError("cut")))
    assert next(stream) == "It"
    with pytest.raises(ProviderUnavailableError, match="cut"):
        next(stream)
    assert judged(guard) == (0, 1)
    assert counted(guard) == {"requests": 1, "failed": 1}


def test_an_empty_stream_is_an_answer() -> None:
    guard = make_guard()
    assert list(guard.stream(lambda deadline: pieces(reply=Reply(None, prompt_tokens=3)))) == []
    assert counted(guard)["tokens_in"] == 3


def test_a_reader_who_has_enough_closes_the_stream_at_once() -> None:
    guard, closed = make_guard(), Counter[str]()

    def endless(deadline: Deadline) -> Iterator[str]:
        try:
            while True:
                yield "on "
        finally:
            closed["stream"] += 1

    stream = guard.stream(endless)
    assert next(stream) + next(stream) == "on on "
    stream.close()  # type: ignore[attr-defined]
    assert closed["stream"] == 1
    assert judged(guard) == (1, 0)


def test_each_piece_of_a_stream_has_the_timeout_and_the_whole_an_end() -> None:
    hand, left = Hand(), []

    def slow(deadline: Deadline) -> Iterator[str]:
        while not deadline.expired:
            left.append(deadline.left_s())
            hand.at += 4.0
            yield "."
        raise ProviderTimeoutError("too long")

    guard = make_guard(hand, timeout_s=5.0)
    with pytest.raises(ProviderTimeoutError):
        list(guard.stream(slow))
    assert left[:3] == [5.0, 5.0, 5.0]
    assert 100 <= 4 * len(left) <= 130  # 24 timeouts
