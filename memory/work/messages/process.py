"""Does batches of messages and texts of many users: extract, embed once, decide, write, fold, finish in one commit."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import connection, transaction

from memory import caching, remember
from memory.conversation import indexing, summarize
from memory.dedupe.stored.candidates import Vectors
from memory.jobs.kinds import PROCESS_MESSAGES, PROCESS_TEXT, Kind, register
from memory.jobs.locks import lock_writes_of
from memory.jobs.working import finish
from memory.jobs.working.claim import Claimed
from memory.jobs.working.run import told
from memory.models import Job, JobState, Outcome, Scope
from memory.remember import Remembered
from memory.work.messages.share import Share, read, shared
from memory.work.payloads import ProcessMessages, ProcessText
from memory.work.tools import FAULTS, Tools, each
from memory.work.upkeep import index, judge, redo
from monitoring import metrics

log = logging.getLogger(__name__)

# What became of a fact, as a job's result tells it.
TOLD: Final = {
    Outcome.ADDED: "added",
    Outcome.DUPLICATE: "duplicates",
    Outcome.MERGED: "merged",
    Outcome.SUPERSEDED: "superseded",
    Outcome.REVIEW: "review",
}
PROCESSED_SQL = "UPDATE memory_message SET processed_at = %s WHERE id = ANY (%s)"


register(Kind(PROCESS_MESSAGES, "Process messages", ProcessMessages, scope=Scope.WRITE))
register(Kind(PROCESS_TEXT, "Read a text for facts", ProcessText, scope=Scope.WRITE))


def process(token: UUID, jobs: Sequence[Claimed], *, tools: Tools, now: datetime) -> dict[UUID, str]:
    """Do the jobs of many users, and finish those that succeed; the errors of the others by job.

    All effects are one commit. What fails for one user is undone for that user alone. Jobs that others took
    meanwhile are left to them; when that is all of them, LostLeaseError is raised.
    """
    shares = shared(jobs)
    failed = read(shares, tools)
    ready = [share for share in shares if share not in failed]
    failed |= _apart(ready, lambda part: _embed(part, tools))
    ready = [share for share in ready if share not in failed]
    failed |= _fold(ready, tools)
    with transaction.atomic():
        lock_writes_of(share.user for share in shares)
        ready = _held(token, [share for share in ready if share not in failed])
        failed |= _apart(ready, lambda part: _write(token, part, tools=tools, now=now))
        written = [share for share in ready if share not in failed]
        threads = any(share.folds for share in written)
        transaction.on_commit(lambda: caching.forget_contexts((share.user for share in written), conversations=threads))
    for share, problem in failed.items():
        log.error("event=job_failed jobs=%s error=%s", len(share.jobs), type(problem).__name__)
    return {job.id: told(problem) for share, problem in failed.items() for job in share.jobs}


def _apart(shares: Sequence[Share], do: Callable[[Sequence[Share]], object]) -> dict[Share, Exception]:
    """Do it for all at once; where that fails, for each half, until what fails is one user's alone. The failures.

    One user who fails among n costs about 2 log2(n) more calls, not n. `do` has no effect when it fails.
    """
    if not shares:
        return {}
    try:
        do(shares)
    except FAULTS as problem:
        if connection.in_atomic_block and not connection.is_usable():
            raise  # nobody's failure: PostgreSQL went away
        if len(shares) == 1:
            return {shares[0]: problem}
        metrics.count("batch.splits")
        half = len(shares) // 2
        return _apart(shares[:half], do) | _apart(shares[half:], do)
    return {}


def _embed(shares: Sequence[Share], tools: Tools) -> None:
    """The vectors of all users' facts and messages by one call."""
    facts = [one.statement.text for share in shares for one in share.found]
    texts = [*facts, *(indexing.embedded_text(said) for share in shares for said in share.spoken.values())]
    if not texts:
        return
    with metrics.timed("provider.embed"):
        embedded = tools.providers.embed(texts)
    fact, message = 0, len(facts)
    for share in shares:
        share.vectors = Vectors(embedded.rows[fact : fact + len(share.found)], embedded.model)
        share.spoken_vectors = Vectors(embedded.rows[message : message + len(share.spoken)], embedded.model)
        share.vectors_reason = embedded.reason if share.found or share.spoken else ""
        fact, message = fact + len(share.found), message + len(share.spoken)


def _fold(shares: Sequence[Share], tools: Tools) -> dict[Share, Exception]:
    """The new summaries of the conversations whose window is full."""
    owners = {id: share for share in shares for id in share.conversations}
    limits = {id: tools.terms(share.user[0]).window for id, share in owners.items()}
    windows = summarize.full_windows(limits) if owners else []
    first, local = tools.providers.first.summarizer, tools.providers.local.summarizer

    def summarized(window: summarize.Window) -> tuple[summarize.Fold, str]:
        return summarize.folded(window, tools.providers, limits[window.conversation_id])

    failed: dict[Share, Exception] = {}
    folds = each(summarized, windows, at_once=first.name != local.name)
    for window, fold in zip(windows, folds, strict=True):
        share = owners[window.conversation_id]
        if isinstance(fold, Exception):
            failed[share] = fold
        else:
            share.folds.append(fold)
    return failed


def _held(token: UUID, shares: Sequence[Share]) -> list[Share]:
    """The shares whose jobs are all still this worker's, locked until the commit."""
    ids = [job.id for share in shares for job in share.jobs]
    mine = Job.objects.filter(pk__in=ids, claim=token, state=JobState.RUNNING).order_by("pk")
    held = set(mine.select_for_update(no_key=True).values_list("pk", flat=True))
    kept = [share for share in shares if all(job.id in held for job in share.jobs)]
    if len(kept) < len(shares):
        log.warning("event=lease_lost claim=%s jobs=%s", token, len(ids) - len(held))
        if not kept:
            raise finish.LostLeaseError("The lease on these jobs ran out before they were done.")
    return kept


def _write(token: UUID, shares: Sequence[Share], *, tools: Tools, now: datetime) -> None:
    """All effects of these users in one savepoint, in the same few statements for one user and for hundreds."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            read = [message for share in shares for message in share.message_ids]
            cursor.execute(PROCESSED_SQL, [now, read])
        grown = index.write(shares)
        remembered = _remember(shares, tools, now)
        summarize.write([fold for share in shares for fold, _ in share.folds], now=now)
        finish.succeed(token, _results(shares, remembered), now=now)
        redo.order(shares, grown=grown, now=now)
        judge.order(_in_question(remembered), now=now)


def _remember(shares: Sequence[Share], tools: Tools, now: datetime) -> dict[Share, list[Remembered]]:
    """What became of each share's facts. Vectors of different models, after a split, are decided about one by one."""
    remembered: dict[Share, list[Remembered]] = {}
    for model in dict.fromkeys(share.vectors.model for share in shares if share.found):
        of_model = [share for share in shares if share.found and share.vectors.model == model]
        found = [one for share in of_model for one in share.found]
        answers = iter(
            remember.write_down(
                owners=[one.owner for one in found],
                statements=[one.statement for one in found],
                vectors=Vectors(np.concatenate([share.vectors.rows for share in of_model]), model),
                terms=tools.terms,
                now=now,
            )
        )
        remembered |= {share: [next(answers) for _ in share.found] for share in of_model}
    return remembered


def _in_question(remembered: Mapping[Share, Sequence[Remembered]]) -> list[tuple[UUID, str]]:
    """The users of whom something waits to be decided about."""
    return [share.user for share, answers in remembered.items() if any(a.outcome is Outcome.REVIEW for a in answers)]


def _results(
    shares: Iterable[Share], remembered: Mapping[Share, Sequence[Remembered]]
) -> dict[uuid.UUID, dict[str, Any] | None]:
    """Per job: messages read, the memories that hold the facts by what became of them, why nothing was remembered,
    what was done in second best."""
    results: dict[uuid.UUID, dict[str, Any] | None] = {}
    for share in shares:
        of_share: dict[uuid.UUID, dict[str, Any]] = {
            job.id: {"messages": share.counts.get(job.id, 0)} | {name: [] for name in TOLD.values()}
            for job in share.jobs
        }
        for one, answer in zip(share.found, remembered.get(share, ()), strict=True):
            of_share[one.job_id][TOLD[answer.outcome]].append(str(answer.memory_id))
        more: dict[str, Any] = {"skipped": share.skipped} if share.skipped else {}
        if share.reasons:
            more |= {"degraded": share.reasons}
        of_share = {id: result | more for id, result in of_share.items()}
        results |= of_share
    return results
