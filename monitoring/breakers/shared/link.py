"""What a process knows of one breaker, kept in step with the shared store, and its own judge while there is none."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Final

from monitoring import metrics
from monitoring.breakers.counts.era import Counts, Era, Mine, Sample
from monitoring.breakers.policy import Policy, State
from monitoring.breakers.shared.seen import DENIED_S, Seen
from monitoring.breakers.shared.store import Answer, Ask, AwayError, BehindError, Store

RETIRED: Final = 4  # earlier eras whose last outcomes are still measured

logger = logging.getLogger(__name__)


class Link:
    """Base of a breaker: its knowledge, its counts, and how both meet those of other processes.

    No lock is held while Redis is asked, so answers may overtake each other: the higher version wins.
    """

    def __init__(
        self,
        name: str,
        *,
        title: str,
        policy: Policy,
        store: Store,
        fallback_text: str = "",
        family: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.family = family
        self.metric = f"breaker.{family or name}"
        self._store = store
        self._clock = clock
        self.describe(title=title, policy=policy, fallback_text=fallback_text)
        self.forget()

    def describe(self, *, title: str, policy: Policy, fallback_text: str) -> None:
        """Takes another title, policy and text from now on."""
        self.title, self.policy, self.fallback_text = title, policy, fallback_text
        self.slow_s = inf if policy.slow_s is None else policy.slow_s
        self._card = ""

    @property
    def card(self) -> str:
        """What the store is told of it, as JSON; written when first needed, since most members never ask."""
        if not self._card:
            told = {"title": self.title, "policy": self.policy.as_dict(), "fallback": self.fallback_text}
            self._card = json.dumps(told | {"member": bool(self.family)})
        return self._card

    def forget(self, store: Store | None = None) -> None:
        """Knows nothing any more and counts anew; the next call asks the store. For a forked child."""
        self._store = store or self._store
        self._lock = threading.RLock()
        self._seen = Seen(State.METRICS_ONLY if self.policy.shadow else State.CLOSED)
        self._era = Era(0)
        self._retired: list[Era] = []
        self._mine: Mine | None = None  # the tally of free-flowing calls; None while each call is looked at
        self._has_begun = False
        self._told_at = -inf

    @property
    def state(self) -> State:
        """As far as this process knows."""
        return self._seen.state

    @property
    def seen(self) -> Seen:
        return self._seen

    @property
    def era(self) -> Era:
        return self._era

    @property
    def retry_after_s(self) -> float:
        """When asking again may help: 0 while calls pass."""
        seen = self._seen
        return 0.0 if seen.state.lets_pass else max(0.0, seen.until - self._clock())

    @property
    def mode_left_s(self) -> float:
        """How long an operator's override still stands."""
        return max(0.0, self._seen.mode_until - self._clock()) if self._seen.mode else 0.0

    @property
    def is_shared(self) -> bool:
        """Whether the state is the one that all processes share; it is this process's own while Redis is away."""
        return not self._store.is_away

    def own_figures(self) -> Counts:
        """What this process counted within the window: since it closed, or until it opened."""
        self.fold()
        eras = [self._era] if self._seen.state.lets_pass else [self._era, *self._retired[-1:]]
        total = Counts()
        for era in eras:
            total.add(Counts(ok=era.window.ok, failed=era.window.failed, slow=era.window.slow))
        return total

    # The keeper's round: fold, is_due, question, hear

    def fold(self) -> None:
        """Takes what the threads counted into the window, the counts for the store, and the metrics."""
        now = self._clock()
        for era in (self._era, *self._retired):
            era.fold(self.policy, now)
            if era.unmeasured:
                with era.lock:
                    new = era.unmeasured.take()
                self._measure(new)

    @property
    def is_quiet(self) -> bool:
        """Whether the keeper may leave it alone until it is used again, which asks the store when its time is up."""
        seen = self._seen
        return not self._era.window.failed if seen.state.lets_pass else self._clock() >= seen.until

    def is_due(self, *, is_blocked: bool, idle_s: float) -> bool:
        """Whether the store should be asked in this round. Members of a family stay silent until something failed."""
        if not self._has_begun:
            return False
        unsent, seen = self._era.unsent, self._seen
        is_long_ago = self._clock() - self._told_at >= idle_s
        if self.family:
            has_news = bool(unsent.failed or unsent.rejected or (unsent.ok and self._era.window.failed))
            return has_news or (is_long_ago and (is_blocked or seen.state is not State.CLOSED))
        return is_long_ago or bool(unsent) or not seen.state.lets_pass

    def question(self) -> Ask:
        """What this process has to tell; it is told once, whether it arrives or not."""
        self._told_at = self._clock()
        era = self._era
        unsent, samples = era.take_unsent()
        # what is older than the window matters to nobody
        ok = min(unsent.ok, era.window.ok)
        counts = (ok, unsent.failed, unsent.slow, unsent.rejected)
        return self._asked("sync", era.version, *counts, era.run, self._told(samples))

    def hear(self, answer: Answer | Exception) -> None:
        """Takes the answer to `question`, or goes on alone."""
        try:
            if isinstance(answer, BehindError):
                answer = self._publish()
            if isinstance(answer, Exception):
                raise AwayError from answer
            self.apply(answer)
            seen = self._seen
            if seen.tripped:
                self._trip(self._era, seen.tripped, max(1, round((seen.until - self._clock()) * 1000)))
        except (AwayError, BehindError):
            self.endure()

    def sync(self) -> None:
        """Tells and asks the store now."""
        self.fold()
        ask = self.question()
        try:
            answer: Answer | Exception = self._asked_twice(ask)
        except AwayError as problem:
            answer = problem
        self.hear(answer)

    def endure(self) -> None:
        """Goes on without the store: overrides still end, and this process's own window still opens."""
        now = self._clock()
        with self._lock:
            self._has_begun = True
            seen, era = self._seen, self._era
            if seen.mode and now >= seen.mode_until:
                self._take(seen.lifted(self.policy), is_new=True)
            elif seen.state is State.CLOSED and (why := era.window.why_open(self.policy, era.run)):
                self._open_alone(why)
            elif seen.state.lets_pass:
                self._mine = era.mine

    def apply(self, answer: Answer, *, was_denied: bool = False) -> None:
        """Takes the shared state, unless a later answer was faster or this process has opened meanwhile."""
        now = self._clock()
        seen = Seen.of(answer, now)
        if was_denied and seen.state is State.HALF_OPEN:
            seen = replace(seen, ask_at=now + DENIED_S)
        with self._lock:
            self._has_begun = True
            mine = self._seen
            was_overtaken = seen.version < mine.version
            if not was_overtaken and not (mine.tripped and seen.version == mine.version and seen.state is State.CLOSED):
                self._take(seen, is_new=seen.version != self._era.version)

    def _take(self, seen: Seen, *, is_new: bool = False) -> None:
        if is_new:
            self._retired = [*self._retired[1 - RETIRED :], self._era]
            self._era = Era(seen.version)
        if seen.state is not self._seen.state:
            logger.info("event=breaker_state breaker=%s state=%s version=%d", self.label, seen.state, seen.version)
        self._seen = seen
        self._mine = self._era.mine if seen.state.lets_pass else None

    @property
    def label(self) -> str:
        """For log lines: a member's key may be a user's id."""
        return self.family or self.name

    # Talking with the store

    def _trip(self, era: Era, why: str, left_ms: int = 0) -> None:
        try:
            self.apply(self._ask("trip", era.version, why, left_ms, ""))
        except AwayError:
            self._open_alone(why)

    def _open_alone(self, why: str) -> None:
        with self._lock:
            if self._seen.state is State.CLOSED:
                opened = self._seen.opened(self.policy, why, now=self._clock(), jitter=self._store.jitter())
                self._take(opened, is_new=True)

    def _ask(self, op: str, *args: str | int | float) -> Answer:
        return self._asked_twice(self._asked(op, *args))

    def _asked_twice(self, ask: Ask) -> Answer:
        """The answer, after giving the store back what it lost if it has. Raises AwayError."""
        try:
            return self._store.ask(ask)
        except BehindError:
            try:
                self._publish()
                return self._store.ask(ask)
            except BehindError as problem:
                raise AwayError from problem

    def _publish(self) -> Answer:
        return self._store.ask(self._asked("adopt", *self._seen.for_adoption(self._clock())))

    def _asked(self, op: str, *args: str | int | float) -> Ask:
        return Ask(op, self.name, self._seen.version, self.card, bool(self.family), args)

    def _told(self, samples: list[Sample]) -> str:
        now = self._clock()
        packed = [[round((now - s.at) * 1000), s.why, round(s.took_s * 1000), s.request_id] for s in samples]
        return json.dumps(packed) if packed else ""

    def _measure(self, counts: Counts) -> None:
        for outcome in ("ok", "failed", "slow", "rejected"):
            if n := getattr(counts, outcome):
                metrics.count(f"{self.metric}.{outcome}", n)
