"""A breaker per user: whoever's jobs keep failing is left alone for a while, and nobody else notices."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from memory.jobs.kinds import LONGEST_S
from memory.jobs.working.claim import Claimed, User
from memory.providers.guard import admission
from monitoring.breakers import OpenError, Permit, Policy, family

# five failures of one user's processing in a minute, whatever went well between them
POLICY: Final = Policy(
    window_s=60,
    failure_rate=None,
    consecutive=None,
    failures=5,
    open_s=30,
    open_limit_s=300,
    successes=1,
    probes=1,
    probe_s=LONGEST_S + 5,
)
BREAKERS: Final = family("processing.user", POLICY, title="Processing for")


@dataclass(frozen=True, slots=True)
class Admitted:
    """What of a claim may be processed; for the rest, how long to wait. `settle` says how it went, user by user."""

    jobs: list[Claimed] = field(default_factory=list)
    refused: dict[timedelta, list[uuid.UUID]] = field(default_factory=dict)
    permits: dict[User, Permit] = field(default_factory=dict)

    def settle(self, jobs: Sequence[Claimed], errors: Mapping[uuid.UUID, str]) -> None:
        """Tell the breakers of the jobs' users whether processing failed for them."""
        failed = {(job.workspace_id, job.user_id): errors[job.id] for job in jobs if job.id in errors}
        for user in {(job.workspace_id, job.user_id) for job in jobs}:
            if user in failed:
                # the kind of error alone: its words may be what somebody said
                self.permits[user].fail(failed[user].split(":", 1)[0])
            else:
                self.permits[user].succeed()

    def release(self) -> None:
        """Give back the permits of those who were not tried after all; those that are settled stay so."""
        for permit in self.permits.values():
            permit.release()


def admit(jobs: Sequence[Claimed]) -> Admitted:
    """Ask the breaker of every user."""
    admitted = Admitted()
    for theirs in by_user(jobs):
        user = (theirs[0].workspace_id, theirs[0].user_id)
        try:
            admitted.permits[user] = admission.admit(BREAKERS.of(f"{user[0]}:{user[1]}"))
        except OpenError as refusal:
            wait = timedelta(seconds=refusal.retry_after_s)
            admitted.refused.setdefault(wait, []).extend(job.id for job in theirs)
        else:
            admitted.jobs.extend(theirs)
    return admitted


def by_user(jobs: Sequence[Claimed]) -> Iterator[list[Claimed]]:
    """The jobs user by user, each in the order given."""
    users: dict[User, list[Claimed]] = {}
    for job in jobs:
        users.setdefault((job.workspace_id, job.user_id), []).append(job)
    yield from users.values()
