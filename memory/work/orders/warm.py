"""Fills a cache with what was used most."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from memory import caching
from memory.jobs.kinds import Done, Work, job_kind
from memory.models import Priority, Scope
from memory.work.payloads import WarmCache

WITHIN_S: Final = 15.0


@job_kind(
    "warm_cache",
    WarmCache,
    title="Warm a cache",
    priority=Priority.LOW,
    scope=Scope.WRITE,
    needs_user=False,
    time_limit_s=20.0,
    attempts=2,
    concurrency=1,
)
def warm_cache(work: Work[WarmCache]) -> Done:
    """Make again the workspace's most used values that are missing. Raises InvalidError for an unknown cache."""
    given = work.payload
    scope = f"{work.workspace_id}:"
    return Done(asdict(caching.warm(given.cache, scope=scope, limit=given.limit, within_s=WITHIN_S)))
