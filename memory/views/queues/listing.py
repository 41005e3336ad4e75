"""Which jobs the Queues page lists: the filter that its URL is, the page of rows, and the dead letters."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from psycopg.errors import QueryCanceled

from memory.errors import InvalidError
from memory.jobs.kinds import all_kinds, kind_of
from memory.models import OPEN, Job, JobState, Priority
from monitoring.ids import first_of

ROWS: Final = 25
DEAD_ROWS: Final = 5
PATIENCE_MS: Final = 1000
WORDS: Final = {
    JobState.PENDING: "Waiting",
    JobState.RUNNING: "Running",
    JobState.FAILED: "Retrying",
    JobState.SUCCEEDED: "Succeeded",
    JobState.DEAD: "Dead",
    JobState.CANCELLED: "Cancelled",
}
# these have an index of their own, so that all of them are listed, however old
INDEXED: Final = (*OPEN, JobState.DEAD)
UNLOADED: Final = ("payload", "result")  # of a listed row: they can be long


@dataclass(frozen=True, slots=True)
class Filter:
    """What the URL asks for. `unknown` are its values that mean nothing: they do not filter."""

    state: str = ""
    kind: str = ""
    priority: str = ""
    user: str = ""
    before: uuid.UUID | None = None
    unknown: tuple[str, ...] = ()

    @property
    def is_on(self) -> bool:
        return bool(self.state or self.kind or self.priority or self.user)

    @property
    def is_bound(self) -> bool:
        """Whether only the range's jobs are listed."""
        return self.state not in INDEXED

    @property
    def words(self) -> str:
        """The filter as a reader says it: dead, process_messages, high, user mara."""
        state = WORDS[JobState(self.state)].lower() if self.state else ""
        return ", ".join(word for word in (state, self.kind, self.priority, self.user and f"user {self.user}") if word)

    def url(self, range_name: str, **changes: object) -> str:
        """The query of this filter with changes, from its first row again."""
        changed = replace(self, **{"before": None} | changes)  # type: ignore[arg-type]
        said = {field.name: getattr(changed, field.name) for field in fields(changed) if field.name != "unknown"}
        return urlencode({"range": range_name} | {name: value for name, value in said.items() if value})


def parse(query: Mapping[str, str]) -> Filter:
    """The filter of a URL's query."""
    known = {"state": set(JobState.values), "kind": {kind.name for kind in all_kinds()}, "priority": set(priorities())}
    given = {name: query.get(name, "").strip() for name in known}
    unknown = tuple(value for name, value in given.items() if value and value not in known[name])
    fitting = {name: value for name, value in given.items() if value not in unknown}
    return Filter(
        **fitting, user=query.get("user", "").strip()[:200], before=_uuid(query.get("before")), unknown=unknown
    )


def priorities() -> list[str]:
    return [priority.name.lower() for priority in Priority]


def find(wanted: Filter, *, since: datetime, patience_ms: int = PATIENCE_MS) -> list[Job] | None:
    """A page of jobs, the newest first, with one row more where there is another page.

    None when the database needed longer than `patience_ms`: a page that looks at a queue must not slow it.
    """
    jobs = Job.objects.defer(*UNLOADED).order_by("-pk")
    equal = {"state": wanted.state, "kind": wanted.kind, "user_id": wanted.user}
    jobs = jobs.filter(**{name: value for name, value in equal.items() if value})
    if wanted.priority:
        jobs = jobs.filter(priority=Priority[wanted.priority.upper()])
    if wanted.is_bound:
        jobs = jobs.filter(pk__gte=first_of(since))
    if wanted.before:
        jobs = jobs.filter(pk__lt=wanted.before)
    return _within(jobs[: ROWS + 1], patience_ms)


def dead_letters() -> list[Job]:
    """The latest jobs that nobody tries again by himself."""
    return list(Job.objects.defer(*UNLOADED).filter(state=JobState.DEAD).order_by("-pk")[:DEAD_ROWS])


@dataclass(frozen=True, slots=True)
class Row:
    """A job in a list: durations in seconds, None where there is none yet."""

    job: Job
    word: str
    title: str
    priority: str
    age_s: float
    waited_s: float | None
    took_s: float | None
    due_s: float | None = None  # until it may be claimed
    ended_s: float | None = None  # ago

    @property
    def short(self) -> str:
        """The end of the id, which differs between jobs of one moment."""
        return self.job.pk.hex[-8:]


def rows(jobs: Iterable[Job], *, now: datetime) -> list[Row]:
    return [row(job, now=now) for job in jobs]


def row(job: Job, *, now: datetime) -> Row:
    waits = job.state in (JobState.PENDING, JobState.FAILED)
    started = None if waits else job.started_at
    until = job.finished_at or (now if job.state == JobState.RUNNING else None)
    due_s = (job.available_at - now).total_seconds()
    return Row(
        job=job,
        word=word(job),
        title=title(job.kind),
        priority=Priority(job.priority).name.lower(),
        age_s=(now - job.created_at).total_seconds(),
        waited_s=_seconds(job.available_at, now if waits else started),
        took_s=_seconds(started, until) if started else None,
        due_s=due_s if waits and due_s > 0 else None,
        ended_s=_seconds(job.finished_at, now) if job.finished_at else None,
    )


def word(job: Job) -> str:
    """The job's state in a word; what was cancelled by giving up a dead job is discarded."""
    last = job.history[-1]["event"] if job.history else ""
    return "Discarded" if job.state == JobState.CANCELLED and last == "discarded" else WORDS[JobState(job.state)]


def title(kind: str) -> str:
    """What the kind is called; its name where this version knows it no more."""
    try:
        return kind_of(kind).title
    except InvalidError:
        return kind


def _within(jobs: QuerySet[Job], patience_ms: int) -> list[Job] | None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(patience_ms)])
            found = list(jobs)
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
    except OperationalError as problem:
        if isinstance(problem.__cause__, QueryCanceled):
            return None
        raise
    return found


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else max(0.0, (end - start).total_seconds())


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None
