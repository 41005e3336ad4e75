"""Notes who was exposed to a flag and who was not, and what became of it: a list in the request, nothing more.

Both arms are noted at the same place, where the flag is asked: else the arms differ by how they were found. A unit
counts by its share alone: who gets a flag by an override, a rule, a schedule or a pin is in neither arm.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from time import perf_counter
from types import TracebackType
from typing import Any, Final

from flags import bucketing, snapshot
from flags.cohorts import courier
from flags.cohorts.blob import Note
from flags.models import Unit
from flags.rollout import NOTHING, OF_CALLER, Why, decide
from monitoring import metrics

NOTES_LIMIT: Final = 100  # of one scope; what is beyond is counted in courier.DROPPED


class Scope:
    """One request or job: what is noted in it gets its seconds, and whether it failed, when it ends.

    A scope within another one measures by itself, and what is noted in it counts there only.
    """

    __slots__ = ("began", "has_failed", "kind", "noted", "outer")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.began = 0.0
        self.has_failed = False
        self.noted: list[Note] = []
        self.outer: Scope | None = None

    def fail(self) -> None:
        """It failed, though no exception will tell."""
        self.has_failed = True

    def __enter__(self) -> Scope:
        self.outer = _current.get()
        _current.set(self)
        self.began = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        finish(self, perf_counter() - self.began, kind is not None)


_current: ContextVar[Scope | None] = ContextVar("cohorts", default=None)


def measured(kind: str) -> Scope:
    """Context manager around a request or job: `with measured("chat.response") as scope`."""
    return Scope(kind)


def begin(kind: str) -> Scope:
    """The same where there is no block to put it around: `finish` ends it."""
    return Scope(kind).__enter__()


def finish(scope: Scope, seconds: float, failed: bool) -> None:
    """What was noted since `begin` took so long. Never raises; a second time it does nothing."""
    # set rather than reset: the end of a streamed answer may run in another context than its beginning
    _current.set(scope.outer)
    if scope.noted:
        notes, scope.noted = scope.noted, []
        courier.keep(notes, seconds, failed or scope.has_failed, scope.kind)


def exposed(
    name: str,
    unit: str = "",
    *,
    workspace: str = "",
    conversation: str = "",
    attributes: Mapping[str, Any] = NOTHING,
) -> bool:
    """Whether flag `name` is on for `unit`, as `rollout.is_on` says it, and notes the answer in the scope going on.

    Without a scope the exposure is counted, with no outcome. Never raises, asks nobody.
    """
    is_on, note = _judged(name, unit, workspace, conversation, attributes)
    if note is not None:
        scope = _current.get()
        if scope is None:
            courier.keep((note,), None, False)
        elif len(scope.noted) < NOTES_LIMIT:
            scope.noted.append(note)
        else:
            metrics.count(courier.DROPPED)
    return is_on


def outcome(name: str, unit: str, is_exposed: bool, seconds: float, failed: bool, workspace: str = "") -> None:
    """What one unit of a batch took, where the flag was asked before. `unit` is what the flag draws.

    Counts only where the flag still says what the unit was given.
    """
    is_on, note = _judged(name, unit, workspace or unit, unit, NOTHING)
    if note is not None and is_on is is_exposed:
        courier.keep(((note[0], note[1], workspace, is_on),), seconds, failed)


def _judged(
    name: str, unit: str, workspace: str, conversation: str, attributes: Mapping[str, Any]
) -> tuple[bool, Note | None]:
    """The answer, and what is to be noted of it."""
    flag = snapshot.current().flags.get(name)
    if flag is not None and (flag.is_plain or flag.everyone is not None):
        # the common cases by themselves, as in `is_on`: a decision takes longer than the hash
        drawn = unit if flag.unit in OF_CALLER else workspace if flag.unit == Unit.WORKSPACE else conversation
        if drawn and flag.everyone is None:
            is_on = bucketing.bucket(flag.salt, drawn) < flag.threshold
            return is_on, (flag, drawn, workspace, is_on) if flag.id else None
        if drawn and flag.everyone is not None:
            is_counted = flag.id and not flag.is_pinned
            return flag.everyone, (flag, drawn, workspace, flag.everyone) if is_counted else None
    said = decide(name, unit, workspace=workspace, conversation=conversation, attributes=attributes)
    if said.why is Why.SPLIT:
        flag = snapshot.current().flags.get(name)
        if flag is not None and flag.id and flag.version == said.version:  # else it was changed in between
            return said.is_on, (flag, said.unit, workspace, said.is_on)
    return said.is_on, None
