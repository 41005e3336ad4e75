"""Decides again about all of a user's memories, and merges those that say the same."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.db import connection, transaction

from memory import caching
from memory.dedupe.candidates import NEAREST
from memory.dedupe.decide import Candidate, Verdict, decide
from memory.dedupe.rows import as_trace
from memory.jobs.kinds import Again, Done, Work, job_kind
from memory.jobs.locks import lock_writes
from memory.models import Decision, Memory, Outcome, Priority, Scope, State
from memory.work import tools
from memory.work.payloads import Dedupe
from memory.work.upkeep.redo import DEDUPE

SLICE: Final = 100

# One sort of the user's older rows per memory of the slice (btree memory_by_user): exact, no vector index.
OLDER_SQL = """
SELECT of.id, near.id, near.text, near.text_hash, 1 - near.distance
FROM memory_memory AS of CROSS JOIN LATERAL (
  SELECT id, text, text_hash, embedding <=> of.embedding AS distance FROM memory_memory
  WHERE workspace_id = of.workspace_id AND user_id = of.user_id AND state = 'active' AND agent_id = of.agent_id
    AND app_id = of.app_id AND run_id = of.run_id AND embedding_model = of.embedding_model
    AND embedding IS NOT NULL AND id < of.id
  ORDER BY distance LIMIT %s
) AS near
WHERE of.id = ANY (%s) AND of.embedding IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class _Merge:
    """A memory that says what an older one says."""

    memory: Memory
    verdict: Verdict


@job_kind(
    DEDUPE, Dedupe, title="Merge duplicates", priority=Priority.LOW, time_limit_s=20.0, scope=Scope.WRITE
)  # fmt: skip
def dedupe(work: Work[Dedupe]) -> Done | Again:
    """Compare each active memory with the older ones of its scope; a pinned one is never merged away."""
    near_certain = tools.from_settings().near_certain
    mine = Memory.objects.of(work.workspace_id, work.user_id).active()
    rest = mine if work.payload.after is None else mine.filter(pk__gt=work.payload.after)
    rows = list(rest.defer("embedding", "search").order_by("pk")[:SLICE])
    merges = _merges(rows, near_certain)
    before = work.result or {"compared": 0, "merged": 0}
    result = {"compared": before["compared"] + len(rows), "merged": before["merged"] + len(merges)}
    write = partial(_write, work, merges, near_certain)
    if len(rows) < SLICE:
        return Done(result, write)
    return Again(Dedupe(after=rows[-1].pk), result=result, write=write)


def _merges(rows: Sequence[Memory], near_certain: float) -> list[_Merge]:
    older: dict[uuid.UUID, list[Candidate]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(OLDER_SQL, [NEAREST, [row.pk for row in rows]])
        for id, *fields in cursor.fetchall():
            older[id].append(Candidate(*fields))
    merges: dict[uuid.UUID, _Merge] = {}
    for row in rows:
        # what is merged away itself is nobody's older one
        known = [candidate for candidate in older[row.pk] if candidate.id not in merges]
        verdict = decide(row.text, known, near_certain=near_certain)
        if verdict.of is not None and not row.pinned:
            merges[row.pk] = _Merge(row, verdict)
    return list(merges.values())


def _write(work: Work[Dedupe], merges: Sequence[_Merge], near_certain: float) -> None:
    if not merges:
        return
    lock_writes(work.workspace_id, work.user_id)
    ids = [id for merge in merges for id in (merge.memory.pk, merge.verdict.of) if id is not None]
    active = dict(Memory.objects.active().filter(pk__in=ids).values_list("pk", "text_hash"))
    decisions = []
    for merge in merges:
        memory, of = merge.memory, merge.verdict.of
        # both as they were when they were compared
        if of not in active or active.get(memory.pk) != memory.text_hash:
            continue
        Memory.objects.filter(pk=memory.pk).update(
            state=State.MERGED, replaced_by=of, valid_to=work.now, updated_at=work.now
        )
        decisions.append(_decision(work, merge, near_certain))
    Decision.objects.bulk_create(decisions)
    transaction.on_commit(lambda: caching.forget_context(work.workspace_id, work.user_id, conversations=False))


def _decision(work: Work[Dedupe], merge: _Merge, near_certain: float) -> Decision:
    return Decision(
        workspace_id=work.workspace_id,
        user_id=work.user_id,
        outcome=Outcome.DUPLICATE,
        memory_id=merge.verdict.of,
        text=merge.memory.text,
        trace=as_trace(merge.verdict),
        thresholds={"near_certain": near_certain, "merged": str(merge.memory.pk)},
        model=merge.memory.embedding_model,
    )
