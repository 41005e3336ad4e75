"""Does what a claim holds: extract, embed once, decide, write, fold, finish. All effects are one commit."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from memory import caching, remember, summarize
from memory.dedupe.candidates import Owner, Vectors
from memory.dedupe.decide import Outcome
from memory.jobs.claim import Claim
from memory.jobs.finish import succeed
from memory.jobs.kinds import PROCESS_MESSAGES, PROCESS_TEXT
from memory.jobs.locks import lock_writes
from memory.models import Cause, Job, Message
from memory.providers.base import Embedder, Extractor, Fact, Said, Summarizer
from memory.remember import Remembered, Statement
from monitoring import metrics


@dataclass(frozen=True, slots=True)
class Tools:
    """The providers and limits that processing works with."""

    embedder: Embedder
    extractor: Extractor
    summarizer: Summarizer
    near_certain: float
    window_tokens: int
    summary_tokens: int


@dataclass(frozen=True, slots=True)
class Found:
    """A statement with the owner and the job that it came from."""

    job_id: uuid.UUID
    owner: Owner
    statement: Statement


def process(claim: Claim, *, tools: Tools, now: datetime) -> None:
    """Process every job of the claim. Raises LostLeaseError, with nothing written, when others took them meanwhile."""
    messages = _messages(claim.jobs)
    found = _from_messages(claim, messages, tools.extractor) + _from_texts(claim, tools.extractor, now)
    # the slow part happens before the transaction: embedding all texts at once, and the new summaries
    with metrics.timed("provider.embed"):
        rows = tools.embedder.embed([item.statement.text for item in found])
    vectors = Vectors(rows, tools.embedder.model)
    folds = [
        summarize.fold(
            conversation_id=conversation_id,
            summarizer=tools.summarizer,
            window_tokens=tools.window_tokens,
            summary_tokens=tools.summary_tokens,
        )
        for conversation_id in dict.fromkeys(message.conversation_id for message in messages)
    ]
    with transaction.atomic():
        lock_writes(claim.workspace_id, claim.user_id)
        Message.objects.filter(pk__in=[message.pk for message in messages]).update(processed_at=now)
        remembered = _remember(found, vectors, tools.near_certain)
        for fold in folds:
            if fold is not None:
                summarize.write(fold, now=now)
        succeed(claim, results=_results(claim, found, remembered, messages), now=now)
        transaction.on_commit(lambda: caching.forget_context(claim.workspace_id, claim.user_id))


def _messages(jobs: Sequence[Job]) -> list[Message]:
    """The unprocessed messages that the jobs name, in the order in which they were said."""
    named = Q(pk__in=[])
    for job in jobs:
        if job.kind == PROCESS_MESSAGES:
            of = job.payload
            named |= Q(conversation_id=of["conversation"], position__range=(of["first"], of["last"]))
    return list(Message.objects.filter(named, processed_at=None).order_by("said_at", "id"))


def _from_messages(claim: Claim, messages: Sequence[Message], extractor: Extractor) -> list[Found]:
    # what is said in any of a user's conversations is the user's: facts are not walled in by agent or run
    owner = Owner(claim.workspace_id, claim.user_id)
    found = []
    for message in messages:
        said = Said(message.role, message.content, message.said_at, message.name, message.recalled)
        for ordinal, fact in enumerate(extractor.extract(said)):
            statement = _statement(fact, extractor.name, message.said_at, ordinal, message_id=message.pk)
            found.append(Found(message.job_id or uuid.UUID(int=0), owner, statement))
    return found


def _from_texts(claim: Claim, extractor: Extractor, now: datetime) -> list[Found]:
    found = []
    for job in claim.jobs:
        if job.kind != PROCESS_TEXT:
            continue
        owner = Owner(claim.workspace_id, claim.user_id, **job.payload["scope"])
        for ordinal, fact in enumerate(extractor.extract(Said("user", job.payload["text"], job.created_at))):
            statement = _statement(fact, extractor.name, now, ordinal, metadata=job.payload["metadata"])
            found.append(Found(job.pk, owner, statement))
    return found


def _statement(fact: Fact, actor: str, at: datetime, ordinal: int, **more: Any) -> Statement:
    return Statement(
        text=fact.text,
        kind=fact.kind,
        importance=fact.importance,
        cause=Cause.EXTRACTED,
        actor=actor,
        valid_from=at,
        ordinal=ordinal,
        span=fact.span,
        **more,
    )


def _remember(found: Sequence[Found], vectors: Vectors, near_certain: float) -> list[Remembered]:
    """Remember by scope, since facts are compared within one, and give the answers in the order of `found`."""
    remembered: dict[int, Remembered] = {}
    for owner in dict.fromkeys(item.owner for item in found):
        places = [place for place, item in enumerate(found) if item.owner == owner]
        answers = remember.remember(
            owner=owner,
            statements=[found[place].statement for place in places],
            vectors=Vectors(vectors.rows[places], vectors.model),
            near_certain=near_certain,
        )
        remembered |= dict(zip(places, answers, strict=True))
    return [remembered[place] for place in range(len(found))]


def _results(
    claim: Claim, found: Sequence[Found], remembered: Sequence[Remembered], messages: Sequence[Message]
) -> dict[uuid.UUID, dict[str, Any]]:
    """Per job: how many messages were read, and which memories were added or found known."""
    results: dict[uuid.UUID, dict[str, Any]] = {
        job.pk: {"messages": 0, "added": [], "duplicates": []} for job in claim.jobs
    }
    for message in messages:
        if message.job_id in results:
            results[message.job_id]["messages"] += 1
    for item, answer in zip(found, remembered, strict=True):
        if item.job_id in results:
            list_name = "added" if answer.outcome is Outcome.ADDED else "duplicates"
            results[item.job_id][list_name].append(str(answer.memory_id))
    return results
