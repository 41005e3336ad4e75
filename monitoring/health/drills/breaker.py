"""A breaker for a drill: the real script on the real Redis, apart from those that operators watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

from django.conf import settings

from monitoring.breakers import Breaker, Policy
from monitoring.breakers.breaker import Classify
from monitoring.breakers.policy import every_error_is_a_failure
from monitoring.breakers.shared.store import Answer, Ask, Store

# Not the list from which the console and the alerts know breakers, nor the log from which charts get their events
PREFIX: Final = "{drill-breakers}"
LISTED, LOG = f"{PREFIX}:listed", f"{PREFIX}:log"
METRIC: Final = "drill.breaker"
TIMEOUT_S: Final = 1.0  # nobody's request waits for a drill: a Redis that is slow for a moment is no reason to fail it


class _Apart(Ask):
    """The same question under other keys."""

    __slots__ = ()

    @property
    def keys(self) -> tuple[str, str, str]:
        return f"{PREFIX}:{self.name}", LISTED, LOG


class ApartStore(Store):
    """Asks Redis about breakers that nobody else knows."""

    def ask_all(self, asks: Sequence[Ask], *, is_scout: bool = False) -> list[Answer | Exception]:
        apart = [_Apart(**{field.name: getattr(ask, field.name) for field in fields(ask)}) for ask in asks]
        return super().ask_all(apart, is_scout=is_scout)


def make(scope: str, *, title: str, policy: Policy, classify: Classify = every_error_is_a_failure) -> Breaker:
    """A breaker whose name is the drill's scope. Its counts are under one name, whatever the scope."""
    store = ApartStore(settings.REDIS_URL, timeout_s=TIMEOUT_S)
    breaker = Breaker(scope, title=title, policy=policy, store=store, classify=classify)
    breaker.metric = METRIC
    return breaker


def remove(scope: str) -> None:
    """Forget the drills' breakers whose names begin so. Raises AwayError while Redis is away."""
    store = ApartStore(settings.REDIS_URL, timeout_s=TIMEOUT_S)
    names = [name for name in store.listed(LISTED) if name.startswith(scope)]

    def delete(client: Any) -> None:
        if names:
            client.delete(*(f"{PREFIX}:{name}" for name in names), LOG)
            client.zrem(LISTED, *names)

    store.reach(delete)
    store.client.close()
