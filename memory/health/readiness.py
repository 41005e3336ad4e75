"""Memory's rules of readiness: a worker is there, nothing lies dead, and vectors are of today's model."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import connection

from memory.health.checks import START, ping
from memory.models import Job, JobState
from memory.providers import configured
from monitoring.health import Status
from monitoring.health.probes.runner import the_runner
from monitoring.health.readiness import Curve, Level, Measured, Rule, register

# how many of the stored vectors are of another model than today's: those are found by words alone
STALE_SQL = """
SELECT 100.0 * count(*) FILTER (WHERE embedding_model <> %s) / nullif(count(*), 0) FROM (
  SELECT embedding_model FROM memory_memory WHERE state = 'active' ORDER BY id DESC LIMIT 5000
) AS latest
"""


def worker(now: datetime) -> Measured:
    """100 when a worker answers, else 0: by this process's last check, since a ping that nobody answers takes long."""
    finding = the_runner().findings.get("workers")
    if finding is not None:
        return Measured(100.0 if finding.status is Status.PASS else 0.0, finding.at)
    return Measured(0.0 if ping() is None else 100.0, now)


def dead_letters(now: datetime) -> Measured:
    return Measured(float(Job.objects.filter(state=JobState.DEAD)[:1000].count()), now)


def stale_vectors(now: datetime) -> Measured:
    with connection.cursor() as cursor:
        cursor.execute(STALE_SQL, [configured.embedder().model])
        share = cursor.fetchone()[0]
    return Measured(0.0 if share is None else float(share), now)


def register_all() -> None:
    of = partial(Rule, component="processing", link="queues")
    register(
        of(
            name="workers",
            title="A worker answers",
            weight=8,
            measure=worker,
            curve=Curve.rising(0, 100),
            unit="yes",
            limit="yes",
            advice=f"Messages are kept and not processed: {START}.",
            level=Level.BRONZE,
            fresh_s=60,
        )
    )
    register(
        of(
            name="dead-letters",
            title="Dead letters",
            weight=4,
            measure=dead_letters,
            curve=Curve.falling(0, 100),
            unit="",
            limit="none",
            advice="Read their errors in the queues, mend the cause, and retry or discard them.",
        )
    )
    register(
        of(
            name="vectors",
            title="Vectors of another model",
            component="providers",
            weight=3,
            measure=stale_vectors,
            curve=Curve.falling(1, 50),
            unit="%",
            limit="at most 1 %",
            advice="Have them embedded again: submit a `reembed` job; it tells its progress.",
            link="providers",
            level=Level.GOLD,
        )
    )
