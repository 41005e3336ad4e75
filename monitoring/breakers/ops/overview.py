"""All breakers at a glance: what the console and the API show of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from monitoring.breakers.breaker import Breaker
from monitoring.breakers.policy import Policy, State
from monitoring.breakers.registry import the_registry
from monitoring.breakers.shared.store import MEMBERS, REGISTERED, Answer, Ask, AwayError

MEMBERS_SHOWN: Final = 50
NEED: Final = (
    State.OPEN,
    State.HALF_OPEN,
    State.FORCED_OPEN,
    State.METRICS_ONLY,
    State.CLOSED,
    State.DISABLED,
)


@dataclass(frozen=True, slots=True)
class Override:
    """An operator's word that stands."""

    mode: State
    actor: str
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """One of the last calls that failed. `why` is a kind of error."""

    at: datetime
    why: str
    took_s: float
    request_id: str


@dataclass(frozen=True, slots=True)
class View:
    """A breaker at a moment. Counts are of the policy's window, over all processes; where `shared` is False the store
    is unreachable, and all of it is only what this process knows.
    """

    name: str
    title: str
    state: State
    policy: Policy
    since: datetime | None  # None where it is not known
    ok: int
    failed: int
    slow: int
    rejected: int
    retry_after_s: float
    open_s: float  # how long it opened for, of which `retry_after_s` is left
    opens: int  # in a row
    probes_passed: int
    probing: int  # probes on their way
    override: Override | None
    last_failures: tuple[Failure, ...]  # the latest first
    fallback_text: str
    shared: bool

    @property
    def failure_rate(self) -> float:
        """The failed share of calls, 0 to 1."""
        calls = self.ok + self.failed
        return self.failed / calls if calls else 0.0

    @property
    def slow_rate(self) -> float:
        """The slow share of calls, 0 to 1."""
        calls = self.ok + self.failed
        return self.slow / calls if calls else 0.0


def overview(now: datetime) -> list[View]:
    """Every breaker that any process has, and the members of families that are not closed; those in need first."""
    registry = the_registry()
    views: dict[str, View] = {}
    try:
        names = registry.store.listed(REGISTERED, is_scout=True)
        members = registry.store.listed(MEMBERS, MEMBERS_SHOWN)
        asks = [Ask("look", name, 0, is_member="/" in name) for name in (*names, *members)]
        for ask, answer in zip(asks, registry.store.ask_all(asks), strict=True):
            if isinstance(answer, Answer):
                views[ask.name] = _view(ask.name, answer, now)
    except AwayError:
        views = {}
    for name, breaker in registry.breakers.items():
        if name not in views:
            views[name] = _own(breaker, now)
    return sorted(views.values(), key=lambda view: (NEED.index(view.state), view.title))


def cut_off() -> int:
    """How many breakers refuse calls now, or all but a few."""
    return sum(not view.state.lets_pass for view in overview(timezone.now()))


def _view(name: str, answer: Answer, now: datetime) -> View:
    age_ms, ok, failed, slow, rejected, passed, probing, now_ms, failures, about = answer.figures
    card: dict[str, Any] = json.loads(about)
    return View(
        name=name,
        title=card["title"],
        state=answer.state,
        policy=Policy.from_dict(card["policy"]),
        since=now - timedelta(milliseconds=age_ms),
        ok=ok,
        failed=failed,
        slow=slow,
        rejected=rejected,
        retry_after_s=answer.left_s,
        open_s=answer.open_s,
        opens=answer.opens,
        probes_passed=passed,
        probing=probing,
        override=_override(answer, now),
        last_failures=_failures(failures, now_ms, now),
        fallback_text=card["fallback"],
        shared=True,
    )


def _override(answer: Answer, now: datetime) -> Override | None:
    if not answer.mode:
        return None
    until = now + timedelta(seconds=answer.mode_left_s)
    return Override(State(answer.mode), answer.actor, answer.reason, until)


def _failures(packed: bytes, now_ms: int, now: datetime) -> tuple[Failure, ...]:
    told = json.loads(packed) if packed else []
    return tuple(
        Failure(now - timedelta(milliseconds=now_ms - at_ms), why, took_ms / 1000, request_id)
        for at_ms, why, took_ms, request_id in reversed(told)
    )


def _own(breaker: Breaker, now: datetime) -> View:
    """What this process alone knows."""
    seen, counts = breaker.seen, breaker.own_figures()
    left = timedelta(seconds=max(0.0, breaker.mode_left_s))
    return View(
        name=breaker.name,
        title=breaker.title,
        state=seen.state,
        policy=breaker.policy,
        since=None,
        ok=counts.ok,
        failed=counts.failed,
        slow=counts.slow,
        rejected=0,
        retry_after_s=breaker.retry_after_s,
        open_s=seen.open_s,
        opens=seen.opens,
        probes_passed=seen.passed,
        probing=0,
        override=Override(State(seen.mode), seen.actor, seen.reason, now + left) if seen.mode else None,
        last_failures=(),
        fallback_text=breaker.fallback_text,
        shared=breaker.is_shared,
    )
