"""The breakers of this process, and the thread that keeps them in step with the store."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections import OrderedDict
from multiprocessing.util import Finalize
from typing import Final

from django.conf import settings

from monitoring.breakers.breaker import Breaker, Classify
from monitoring.breakers.policy import Policy, every_error_is_a_failure
from monitoring.breakers.shared.store import MEMBERS, AwayError, Store

NAME: Final = re.compile(r"[a-z0-9._-]{1,60}")
ROUND_S: Final = 0.25
IDLE_S: Final = 1.0  # how often a closed breaker without calls asks whether it still is
MEMBERS_LIMIT: Final = 1024  # of one family in one process; the longest unused go first

logger = logging.getLogger(__name__)


class Registry:
    """Everything of one process. Its thread starts with the first call through one of its breakers."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or Store(settings.REDIS_URL)
        self.breakers: dict[str, Breaker] = {}
        self.families: dict[str, Family] = {}
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._blocked: frozenset[str] = frozenset()
        self._blocked_at: float | None = None

    def register(self, name: str, *, title: str, policy: Policy, fallback_text: str, classify: Classify) -> Breaker:
        check_name(name)
        with self._lock:
            known = self.breakers.get(name)
            if known is not None:
                known.describe(title=title, policy=policy, fallback_text=fallback_text)
                known.classify = classify
                return known
            breaker = Breaker(
                name,
                title=title,
                policy=policy,
                store=self.store,
                fallback_text=fallback_text,
                classify=classify,
                on_first_call=self.is_known_closed,
            )
            self.breakers[name] = breaker
            return breaker

    def is_known_closed(self, name: str) -> bool:
        """For a breaker's first call: whether it need not ask the store, as a member that is on no list."""
        self.start()
        if "/" not in name:
            return False
        if self._blocked_at is None:
            self._look_for_blocked()
        return self._blocked_at is not None and name not in self._blocked

    def start(self) -> None:
        """Starts the keeper unless it runs."""
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._keep, name="breakers", daemon=True)
                    self._thread.start()
                    # before the metrics' last flush, which carries what is folded here
                    Finalize(None, self.finish, exitpriority=20)

    def round(self) -> None:
        """One round: counts are folded and told, states are asked for."""
        everyone = [*self.breakers.values()]
        if self.families:
            everyone += [member for family in list(self.families.values()) for member in family.restless(self._blocked)]
        if self.store.is_away or (self.families and self._is_old()):
            self._look_for_blocked()
        for breaker in everyone:
            breaker.fold()
        due = [each for each in everyone if each.is_due(is_blocked=each.name in self._blocked, idle_s=IDLE_S)]
        asks = [breaker.question() for breaker in due]
        try:
            answers = self.store.ask_all(asks, is_scout=True)
        except AwayError:
            for breaker in due:
                breaker.endure()
            return
        for breaker, answer in zip(due, answers, strict=True):
            breaker.hear(answer)

    def finish(self) -> None:
        """The last round of a process, quiet members included."""
        for family in list(self.families.values()):
            for member in family.members():
                member.fold()
        self.round()

    def forget(self) -> None:
        """A forked child has none of the parent's threads and connections, and its breakers know nothing."""
        self.store = Store(settings.REDIS_URL)
        self._lock = threading.RLock()
        self._thread = None
        self._blocked, self._blocked_at = frozenset(), None
        for breaker in self.breakers.values():
            breaker.forget(self.store)
        for family in self.families.values():
            family.forget()

    def _keep(self) -> None:
        while True:
            time.sleep(ROUND_S * (0.8 + 0.4 * self.store.jitter()))
            try:
                self.round()
            except Exception:  # the thread must outlive whatever a round meets
                logger.exception("event=breakers_round_failed")

    def _is_old(self) -> bool:
        return self._blocked_at is None or time.monotonic() - self._blocked_at >= IDLE_S

    def _look_for_blocked(self) -> None:
        try:
            self._blocked = frozenset(self.store.listed(MEMBERS, is_scout=True))
            self._blocked_at = time.monotonic()
        except AwayError:
            pass  # members go on with what they know; a failure asks the store anyway


class Family:
    """Breakers of one policy for many keys, such as users. Only those that are not closed are kept in Redis' list."""

    def __init__(self, registry: Registry, name: str, *, title: str, policy: Policy, classify: Classify) -> None:
        self.name = name
        self.title = title
        self.policy = policy
        self._classify = classify
        self._registry = registry
        self._lock = threading.Lock()
        self._members: OrderedDict[str, Breaker] = OrderedDict()
        self._used: set[str] = set()

    def of(self, key: str) -> Breaker:
        """The breaker of one key."""
        with self._lock:
            self._used.add(key)
            member = self._members.get(key)
            if member is not None:
                self._members.move_to_end(key)
                return member
            member = self._members[key] = Breaker(
                f"{self.name}/{key}",
                title=f"{self.title} {key}",
                policy=self.policy,
                store=self._registry.store,
                classify=self._classify,
                family=self.name,
                on_first_call=self._registry.is_known_closed,
            )
            if len(self._members) > MEMBERS_LIMIT:
                _, longest_unused = self._members.popitem(last=False)
                longest_unused.fold()
            return member

    def restless(self, blocked: frozenset[str]) -> list[Breaker]:
        """Those that a round of the keeper looks after: used since the last, not quiet, or stopped elsewhere."""
        with self._lock:
            used, self._used = self._used, set()
            found = [member for key in used if (member := self._members.get(key))]
            self._used |= {key for key in used if (member := self._members.get(key)) and not member.is_quiet}
            names = blocked - {member.name for member in found}
            prefix = f"{self.name}/"
            keys = (name.removeprefix(prefix) for name in names if name.startswith(prefix))
            return found + [member for key in keys if (member := self._members.get(key))]

    def members(self) -> list[Breaker]:
        """Those in this process's memory."""
        with self._lock:
            return list(self._members.values())

    def forget(self) -> None:
        self._lock = threading.Lock()
        self._members = OrderedDict()
        self._used = set()


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"a breaker's name has 1 to 60 of a-z, 0-9, '.', '_' and '-', got {name!r}")


_registry = Registry()


def the_registry() -> Registry:
    """This process's."""
    return _registry


def register(
    name: str,
    *,
    title: str,
    policy: Policy,
    fallback_text: str = "",
    classify: Classify = every_error_is_a_failure,
) -> Breaker:
    """The process's breaker of that name. Registering it again changes what it is told, and keeps what it knows.

    `title` and `fallback_text` (what happens while it is open) are for the console. Raises ValueError for a bad name.
    """
    return _registry.register(name, title=title, policy=policy, fallback_text=fallback_text, classify=classify)


def family(name: str, policy: Policy, *, title: str, classify: Classify = every_error_is_a_failure) -> Family:
    """The process's family of that name: one breaker per key, all of one policy, counted under the family's name."""
    check_name(name)
    with _registry._lock:
        if name not in _registry.families:
            _registry.families[name] = Family(_registry, name, title=title, policy=policy, classify=classify)
        return _registry.families[name]


def flush() -> None:
    """Tells now what this process counted. For the end of processes that skip Python's exit handlers."""
    _registry.finish()


os.register_at_fork(after_in_child=lambda: _registry.forget())
