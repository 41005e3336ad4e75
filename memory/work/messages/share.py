"""One user's share of a batch: what was read for it and found in it, before anything is written."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import connection

from memory import catalogue
from memory.conversation.summarize import Fold
from memory.dedupe.stored.candidates import Owner, Vectors
from memory.errors import InvalidError
from memory.jobs.kinds import PROCESS_TEXT, kind_of
from memory.jobs.submit import validated
from memory.jobs.working.claim import Claimed
from memory.models import Cause
from memory.providers.base import Extracted, Fact, Said
from memory.remember import Statement
from memory.tuning.terms import Extraction
from memory.work.payloads import ProcessText
from memory.work.tools import Tools, each

# The messages that jobs name, as far as they wait and belong to the job's user: a range of the unique index
# (conversation, position) per job. LATERAL with OFFSET 0 keeps it that, whatever the planner believes of the tables.
NAMED_SQL = """
SELECT named.number, said.id, of.id, said.role, said.content, said.said_at, said.name, said.recalled
FROM unnest(%(workspaces)s::uuid[], %(users)s::text[], %(conversations)s::uuid[], %(first)s::int[], %(last)s::int[])
  WITH ORDINALITY AS named (workspace, owner, conversation, first, last, number)
JOIN memory_conversation of
  ON of.id = named.conversation AND of.workspace_id = named.workspace AND of.user_id = named.owner
CROSS JOIN LATERAL (
  SELECT * FROM memory_message
  WHERE conversation_id = of.id AND position BETWEEN named.first AND named.last AND processed_at IS NULL
  OFFSET 0
) AS said
ORDER BY said.said_at, said.id
"""
NOTHING = Vectors(np.zeros((0, 0), dtype=np.float32), "")


@dataclass(frozen=True, slots=True)
class Found:
    """A fact with the scope and the job that it belongs to."""

    job_id: uuid.UUID
    owner: Owner
    statement: Statement


@dataclass(eq=False, slots=True)
class Share:
    """The jobs of one user, and what they came to so far. `vectors.rows` has a row per fact in `found`.

    `skipped` says why no facts were looked for.
    """

    user: tuple[uuid.UUID, str]
    jobs: list[Claimed]
    message_ids: list[uuid.UUID] = field(default_factory=list)
    conversations: dict[uuid.UUID, None] = field(default_factory=dict)
    counts: Counter[uuid.UUID] = field(default_factory=Counter)  # messages by job
    found: list[Found] = field(default_factory=list)
    vectors: Vectors = NOTHING
    vectors_reason: str = ""
    spoken: dict[uuid.UUID, Said] = field(default_factory=dict)  # messages by id
    spoken_vectors: Vectors = NOTHING  # a row per message in `spoken`
    folds: list[tuple[Fold, str]] = field(default_factory=list)  # with why the summary is second best
    misread: dict[uuid.UUID, str] = field(default_factory=dict)  # why, by message or text job
    skipped: str = ""

    @property
    def reasons(self) -> list[str]:
        """Why what was done is second best; empty when all providers answered."""
        reasons = [*self.misread.values(), self.vectors_reason, *(reason for _, reason in self.folds)]
        return [reason for reason in dict.fromkeys(reasons) if reason]


@dataclass(frozen=True, slots=True)
class _Text:
    """Something to be read for facts: a message, or the text of a job."""

    share: Share
    job_id: uuid.UUID
    owner: Owner
    said: Said
    message_id: uuid.UUID | None
    metadata: dict[str, Any]


def shared(jobs: Sequence[Claimed]) -> list[Share]:
    """The jobs by user, in the order of the users' first ones."""
    shares: dict[tuple[uuid.UUID, str], Share] = {}
    for job in jobs:
        user = (job.workspace_id, job.user_id)
        shares.setdefault(user, Share(user, [])).jobs.append(job)
    return list(shares.values())


def read(shares: Sequence[Share], tools: Tools) -> dict[Share, Exception]:
    """Read what the jobs name, and find the facts in it for whom they are wanted; the shares that failed."""
    failed = _unfit(shares)
    shares = [share for share in shares if share not in failed]
    for share in shares:
        share.skipped = "" if tools.remembers(*share.user) else catalogue.NOTHING_REMEMBERED
    texts = [text for text in (*_messages(shares), *_texts(shares)) if not text.share.skipped]
    first, local = tools.providers.first.extractor, tools.providers.local.extractor
    extracted = each(lambda text: tools.providers.extract(text.said), texts, at_once=first.name != local.name)
    for text, answer in zip(texts, extracted, strict=True):
        if isinstance(answer, Exception):
            failed[text.share] = answer
        else:
            _keep(text, answer, tools.terms(text.share.user[0]).extraction)
    return failed


def statement(fact: Fact, by: str, said: Said, ordinal: int, **more: Any) -> Statement:
    """A fact that was found in what somebody said."""
    return Statement(
        text=fact.text,
        kind=fact.kind,
        importance=fact.importance,
        cause=Cause.EXTRACTED,
        actor=by,
        valid_from=said.at,
        ordinal=ordinal,
        span=fact.span,
        **more,
    )


def _unfit(shares: Sequence[Share]) -> dict[Share, Exception]:
    """Shares with a job whose payload does not fit its kind, such as one of an older version."""
    failed: dict[Share, Exception] = {}
    for share in shares:
        try:
            for job in share.jobs:
                validated(kind_of(job.kind), job.payload)
        except InvalidError as problem:
            failed[share] = problem
    return failed


def _messages(shares: Sequence[Share]) -> Iterable[_Text]:
    """The waiting messages in the order in which they were said; one that several jobs name counts for the first."""
    named = [(share, job) for share in shares for job in share.jobs if job.kind != PROCESS_TEXT]
    if not named:
        return
    arguments: dict[str, Any] = {
        "workspaces": [job.workspace_id for _, job in named],
        "users": [job.user_id for _, job in named],
        "conversations": [uuid.UUID(job.payload["conversation"]) for _, job in named],
        "first": [job.payload["first"] for _, job in named],
        "last": [job.payload["last"] for _, job in named],
    }
    with connection.cursor() as cursor:
        cursor.execute(NAMED_SQL, arguments)
        rows = {row[1]: row for row in cursor.fetchall()}
    for number, id, conversation_id, *said in rows.values():
        share, job = named[number - 1]
        share.message_ids.append(id)
        share.spoken[id] = Said(*said)
        share.conversations[conversation_id] = None
        share.counts[job.id] += 1
        # what is said in any of a user's conversations is the user's: facts are not walled in by agent or run
        yield _Text(share, job.id, Owner(*share.user), share.spoken[id], id, {})


def _texts(shares: Sequence[Share]) -> Iterable[_Text]:
    for share in shares:
        for job in share.jobs:
            if job.kind == PROCESS_TEXT:
                given = ProcessText.model_validate(job.payload)
                owner = Owner(*share.user, **given.scope.model_dump())
                said = Said("user", given.text, job.created_at)
                yield _Text(share, job.id, owner, said, None, given.metadata)


def is_wanted(fact: Fact, wanted: Extraction) -> bool:
    """Whether the workspace's settings let a fact be remembered."""
    return fact.kind in wanted.kinds and fact.importance >= wanted.least_importance


def _keep(text: _Text, extracted: Extracted, wanted: Extraction) -> None:
    """Take the facts that the workspace wants: of its kinds, and important enough."""
    if extracted.reason:
        text.share.misread[text.message_id or text.job_id] = extracted.reason
    for ordinal, fact in enumerate(extracted.facts):
        if not is_wanted(fact, wanted):
            continue
        more: dict[str, Any] = {"message_id": text.message_id, "metadata": text.metadata}
        found = Found(text.job_id, text.owner, statement(fact, extracted.by, text.said, ordinal, **more))
        text.share.found.append(found)
