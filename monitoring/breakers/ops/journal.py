"""The record of transitions: taken from Redis by the aggregator, kept as rows, shown as events, read as a timeline."""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, Final

import redis
from django.conf import settings
from django.db import transaction

from monitoring import metrics
from monitoring.breakers.ops.orders import reconcile
from monitoring.breakers.policy import State
from monitoring.breakers.shared.store import LOG, AwayError, Store
from monitoring.metrics.flush import TIMEOUT_S
from monitoring.models import BreakerOverride, Event, Transition

BATCH: Final = 500
KEPT: Final = timedelta(days=90)
PRUNE_S: Final = 3600
PRUNED: Final = 1000  # rows at a time
TONES: Final = {
    State.OPEN: Event.Tone.CRIT,
    State.HALF_OPEN: Event.Tone.WARN,
    State.CLOSED: Event.Tone.OK,
}
BY_HAND: Final = {"override", "ended", "expired", "reset"}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A transition as the script tells it."""

    name: str
    title: str
    version: int
    at: datetime
    before: State
    after: State
    cause: str
    reason: str
    actor: str
    override: str
    open_s: float

    @classmethod
    def of(cls, packed: bytes) -> Entry:
        """Raises ValueError for what no script told."""
        try:
            told: dict[str, Any] = json.loads(packed)
            return cls(
                name=told["name"][:300],
                title=told["title"],
                version=int(told["version"]),
                at=datetime.fromtimestamp(told["at_ms"] / 1000, UTC),
                before=State(told["from"]),
                after=State(told["to"]),
                cause=told["cause"],
                reason=told["text"][: Transition.TEXT_LENGTH],
                actor=told["actor"],
                override=told["override"],
                open_s=told["open_ms"] / 1000,
            )
        except (KeyError, TypeError, AttributeError) as problem:
            raise ValueError(f"no transition: {packed[:80]!r}") from problem

    @property
    def id(self) -> uuid.UUID:
        """The same however often it is read."""
        return id_of(self.at, self.name, self.version, self.cause)

    @property
    def family(self) -> str:
        """The family's name of a member; empty for others."""
        family, slash, _ = self.name.partition("/")
        return family if slash else ""

    @property
    def text(self) -> str:
        words = {"override": self.after.label, "reset": "reset", "would_open": "would open"}
        if self.cause in {"ended", "expired"}:
            return f"{self.title}: no longer {self.before.label}. {self.reason}"
        return f"{self.title} {words.get(self.cause, self.after.label)}: {self.reason}"

    def row(self) -> Transition:
        return Transition(
            id=self.id,
            name=self.name,
            version=self.version,
            at=self.at,
            before=self.before,
            after=self.after,
            cause=self.cause,
            reason=self.reason,
            actor=self.actor,
            open_s=self.open_s,
        )

    def event(self) -> Event:
        tone = Event.Tone.HAND if self.cause in BY_HAND else TONES.get(self.after, Event.Tone.INFO)
        text = self.text
        if len(text) > Event.TEXT_LENGTH:
            text = f"{text[: Event.TEXT_LENGTH - 1]}…"
        return Event(id=self.id, at=self.at, kind="breaker", text=text, tone=tone, actor=self.actor)


def id_of(at: datetime, *parts: object) -> uuid.UUID:
    """A UUIDv7 of that moment whose random bits are made of `parts`."""
    digest = int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:16])
    return uuid.UUID(int=round(at.timestamp() * 1000) << 80 | 7 << 76 | digest & 0xFFF << 64 | 2 << 62 | digest >> 66)


class Journal:
    """The aggregator's part: one tick each second."""

    def __init__(self, store: Store | None = None) -> None:
        self._store = store or Store(settings.REDIS_URL, timeout_s=TIMEOUT_S)
        self._pruned_at = 0

    def tick(self, second: int) -> None:
        """Writes what has happened, makes Redis agree with the overrides' rows, and once an hour forgets old rows."""
        now = datetime.fromtimestamp(second, UTC)
        try:
            self.drain()
            reconcile(self._store, now=now)
        except AwayError:
            return  # processes decide alone meanwhile, and the next tick asks again
        if second - self._pruned_at >= PRUNE_S:
            prune(now=now)
            self._pruned_at = second

    def drain(self) -> None:
        """Writes every waiting transition. What was written before a crash and not removed is known by its id."""
        while packed := self._store.reach(_waiting, is_scout=True):
            with transaction.atomic():
                write(_entries(packed))
            # By value: the list is cut at its head while it is full
            self._store.reach(partial(_remove, packed))
            if len(packed) < BATCH:
                return


def write(entries: Sequence[Entry]) -> None:
    """Rows, events, metrics, and the ends of overrides; those that are known already change nothing."""
    known = set(Transition.objects.filter(pk__in=[entry.id for entry in entries]).values_list("pk", flat=True))
    new = [entry for entry in entries if entry.id not in known]
    Transition.objects.bulk_create([entry.row() for entry in new], ignore_conflicts=True)
    Event.objects.bulk_create(_events(new), ignore_conflicts=True)
    for entry in new:
        measure(entry)
        if entry.override and entry.cause in {"ended", "expired"}:
            BreakerOverride.objects.filter(pk=entry.override, ended_at=None).update(
                ended_at=entry.at, ended_by=entry.actor, end_reason=entry.reason
            )


def measure(entry: Entry) -> None:
    """Counts an opening, a closing, or what would have been an opening."""
    name = f"breaker.{entry.family or entry.name}"
    if entry.cause == "would_open":
        metrics.count(f"{name}.would_open")
    elif entry.after is State.OPEN:
        metrics.count(f"{name}.opened")
    elif entry.after is State.CLOSED and entry.before is not State.CLOSED:
        metrics.count(f"{name}.closed")


def prune(*, now: datetime) -> None:
    """Deletes some of the rows that nobody asks for any more."""
    old = Transition.objects.filter(at__lt=now - KEPT).order_by("at")[:PRUNED]
    Transition.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()


def history(name: str, limit: int = 20) -> list[Transition]:
    """The latest transitions of a breaker, the latest first."""
    return list(Transition.objects.filter(name=name).order_by("-at", "-version")[:limit])


def timeline(name: str, start: datetime, end: datetime) -> list[tuple[State, float]]:
    """The states from `start` to `end` in order, each with its seconds; they add up to the whole span."""
    rows = Transition.objects.filter(name=name)
    inside = list(rows.filter(at__gte=start, at__lt=end).order_by("at", "version"))
    earlier = rows.filter(at__lt=start).order_by("-at", "-version").first()
    state = State.CLOSED
    if earlier is not None:
        state = State(earlier.after)
    elif inside:
        state = State(inside[0].before)
    spans: list[tuple[State, float]] = []
    moments = [start, *(row.at for row in inside), end]
    states = [state, *(State(row.after) for row in inside)]
    for at, until, state in zip(moments, moments[1:], states, strict=False):
        seconds = (until - at).total_seconds()
        if spans and spans[-1][0] is state:
            spans[-1] = state, spans[-1][1] + seconds
        elif seconds > 0:
            spans.append((state, seconds))
    return spans


def _events(entries: Sequence[Entry]) -> list[Event]:
    """One for each, but one for all members of a family that went to the same state: an outage has many users."""
    events = [entry.event() for entry in entries if not entry.family]
    members = sorted((entry for entry in entries if entry.family), key=lambda entry: (entry.family, entry.after))
    for (family, after), group in groupby(members, key=lambda entry: (entry.family, entry.after)):
        first, *others = group
        event = first.event()
        if others:
            event.text = f"{family}: {1 + len(others)} breakers {after.label}"
        events.append(event)
    return events


def _entries(packed: Sequence[bytes]) -> list[Entry]:
    entries = []
    for each in packed:
        try:
            entries.append(Entry.of(each))
        except ValueError as problem:
            logger.warning("event=breakers_malformed error=%s", problem)
    return entries


def _waiting(client: redis.Redis) -> list[bytes]:
    return [each for each in client.lrange(LOG, 0, BATCH - 1) if isinstance(each, bytes)]


def _remove(told: Sequence[bytes], client: redis.Redis) -> None:
    with client.pipeline(transaction=False) as pipe:
        for each in told:
            pipe.lrem(LOG, 1, each)  # type: ignore[arg-type]  # the stubs forget bytes
        pipe.execute()
