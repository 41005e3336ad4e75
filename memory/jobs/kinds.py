"""The kinds of jobs: what each is given, who does it, and within which bounds."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from memory.errors import InvalidError
from memory.models import Priority, Scope

PROCESS_MESSAGES = "process_messages"
PROCESS_TEXT = "process_text"
LONGEST_S = 25.0  # of one run; what takes longer goes in slices (see Again), so that a lease is short


class Payload(BaseModel):
    """What a kind of job is given. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, slots=True)
class Work(Generic[P]):
    """One run of a job, as its handler sees it. `result` is what the slice before left; None at first."""

    job_id: uuid.UUID
    workspace_id: uuid.UUID
    user_id: str
    payload: P
    attempt: int
    now: datetime
    result: dict[str, Any] | None = None


def nothing() -> None:
    """What a job without effects of its own writes."""


@dataclass(frozen=True, slots=True)
class Done:
    """The job is done. `write` runs in the transaction that marks it so: its effects and the mark are one commit."""

    result: dict[str, Any] = field(default_factory=dict)
    write: Callable[[], object] = nothing


@dataclass(frozen=True, slots=True)
class Again:
    """There is more to do: the job waits `after` and runs again with `payload`. It is no failed attempt."""

    payload: Payload
    after: timedelta = timedelta(0)
    result: dict[str, Any] = field(default_factory=dict)
    write: Callable[[], object] = nothing


Handler = Callable[[Work[Any]], Done | Again]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its bounds, and the handler. Kinds that are done in batches have none: `memory.work` does them."""

    name: str
    title: str
    payload: type[Payload]
    handle: Handler | None = None
    priority: Priority = Priority.NORMAL
    time_limit_s: float = 5.0
    attempts: int = 5
    concurrency: int | None = None  # running at once, in all workers together
    scope: Scope | None = None  # that a key needs to submit it; None: only Holdfast itself submits it
    needs_user: bool = True


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make a kind known. Raises ValueError for a name that is taken or bounds that are none."""
    if kind.name in _kinds:
        raise ValueError(f"The kind {kind.name!r} is registered twice.")
    if not 0 < kind.time_limit_s <= LONGEST_S or kind.attempts < 1 or (kind.concurrency or 1) < 1:
        raise ValueError(f"{kind.name}: the time limit is over 0 and at most {LONGEST_S:g} s, other bounds at least 1.")
    _kinds[kind.name] = kind
    return kind


def job_kind(
    name: str, payload: type[P], *, title: str, **bounds: Any
) -> Callable[[Callable[[Work[P]], Done | Again]], Callable[[Work[P]], Done | Again]]:
    """Decorator: the function handles jobs of this kind. `bounds` are the other fields of Kind."""

    def keep(handle: Callable[[Work[P]], Done | Again]) -> Callable[[Work[P]], Done | Again]:
        register(Kind(name, title, payload, handle, **bounds))
        return handle

    return keep


def kind_of(name: str) -> Kind:
    """Raises InvalidError, naming the field `kind`, for one that does not exist."""
    try:
        return _kinds[name]
    except KeyError:
        known = ", ".join(sorted(_kinds))
        raise InvalidError(("kind", f"there is no kind {name!r}; choose one of {known}")) from None


def is_known(name: str) -> bool:
    """Whether this version has the kind; a row may be of an older or newer one."""
    return name in _kinds


def is_batch(name: str) -> bool:
    """Whether jobs of this kind are done in batches, rather than each by a handler."""
    return name in _kinds and _kinds[name].handle is None


def all_kinds() -> list[Kind]:
    """In order of their names."""
    return sorted(_kinds.values(), key=lambda kind: kind.name)
