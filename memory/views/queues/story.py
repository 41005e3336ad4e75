"""What happened to one job, step by step, the latest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from memory.models import Job, JobState, Priority
from monitoring.formats import age, duration

# event of the history: its word, tone and icon; what a person did is violet
EVENTS: Final = {
    "failed": ("Try failed", "warn", "reset"),
    "died": ("Died", "crit", "crit"),
    "postponed": ("Postponed", "info", "clock"),
    "retried": ("Retried", "hand", "reset"),
    "cancelled": ("Cancelled", "hand", "x"),
    "discarded": ("Discarded", "hand", "forget"),
}


@dataclass(frozen=True, slots=True)
class Step:
    at: datetime
    word: str
    tone: str
    icon: str
    text: str = ""
    left_s: int | None = None  # whole seconds until it happens


def steps(job: Job, *, now: datetime) -> list[Step]:
    """From what will happen, over what happened, back to the submission."""
    told = [_submitted(job), *(_remembered(entry) for entry in job.history)]
    if job.started_at:
        told.append(Step(job.started_at, "Started", "info", "play", _start(job)))
    if job.state == JobState.SUCCEEDED and job.finished_at:
        took = (job.finished_at - (job.started_at or job.created_at)).total_seconds()
        told.append(Step(job.finished_at, "Succeeded", "ok", "check", f"The run took {duration(max(0.0, took))}."))
    told.sort(key=lambda step: step.at, reverse=True)
    return [*_ahead(job, now), *told]


def _submitted(job: Job) -> Step:
    priority = Priority(job.priority).name.lower()
    key = f", with the key {job.key}" if job.key else ""
    return Step(job.created_at, "Submitted", "off", "plus", f"At {priority} priority{key}.")


def _remembered(entry: dict[str, Any]) -> Step:
    word, tone, icon = EVENTS.get(entry["event"], (str(entry["event"]).capitalize(), "off", "info"))
    by, why = entry.get("by", ""), entry.get("why", "")
    return Step(datetime.fromisoformat(entry["at"]), word, tone, icon, f"{by}: {why}" if by else why)


def _start(job: Job) -> str:
    """Only of the latest run the row says which attempt it is and how long it waited."""
    if job.state not in (JobState.RUNNING, JobState.SUCCEEDED) or job.started_at is None:
        return ""
    waited_s = max(0.0, (job.started_at - job.available_at).total_seconds())
    return f"Attempt {job.attempts}, after a wait of {duration(waited_s)}."


def _ahead(job: Job, now: datetime) -> list[Step]:
    """What will happen without anybody's doing."""
    if job.state == JobState.RUNNING and job.lease_until:
        left = job.lease_until - now
        text = "Then, if the worker is gone, another one takes the job."
        return [Step(job.lease_until, "Lease ends", "off", "clock", text, _whole(left))]
    if job.state in (JobState.PENDING, JobState.FAILED):
        left = job.available_at - now
        if left > timedelta(0):
            return [
                Step(job.available_at, "Next try", "off", "clock", "A worker may take it from then on.", _whole(left))
            ]
        since = age((now - job.available_at).total_seconds())
        return [Step(now, "Due", "info", "clock", f"For {since}: the next free worker takes it in turn.")]
    return []


def _whole(left: timedelta) -> int:
    return max(0, round(left.total_seconds()))
