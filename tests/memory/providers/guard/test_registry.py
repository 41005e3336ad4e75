from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from memory.providers.base import ProviderRateLimitedError
from memory.providers.guard import forget_guards, guard_of
from memory.providers.guard.retry import verdict
from monitoring.breakers import Policy, Verdict

POLICY = Policy(consecutive=3)


@pytest.fixture(autouse=True)
def no_guards() -> Iterator[None]:
    forget_guards()
    yield
    forget_guards()


def test_a_process_has_one_guard_of_a_name() -> None:
    guard = guard_of("registry-one", title="One", policy=POLICY)
    assert guard_of("registry-one", title="One", policy=POLICY) is guard
    assert guard_of("registry-two", title="Two", policy=POLICY) is not guard


def test_a_guards_time_is_the_settings_unless_it_is_given(settings: Settings) -> None:
    settings.HOLDFAST_PROVIDER_TIMEOUT_S = 2.5
    assert guard_of("registry-one", title="One", policy=POLICY).timeout_s == 2.5
    assert guard_of("registry-two", title="Two", policy=POLICY, timeout_s=1.0).timeout_s == 1.0


def test_its_breaker_is_known_under_the_providers_name_and_judges_as_the_guard_does() -> None:
    breaker = guard_of("registry-one", title="One", policy=POLICY).breaker
    assert (breaker.name, breaker.title, breaker.policy) == ("provider.registry-one", "One", POLICY)
    assert breaker.classify is verdict
    assert breaker.classify(ProviderRateLimitedError("HTTP 429")) is Verdict.IGNORE
    assert breaker.classify(ValueError("ours")) is Verdict.IGNORE
