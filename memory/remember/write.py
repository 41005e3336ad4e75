"""Decides about facts against what is stored, and writes memories, revisions and decisions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from memory import caching
from memory.dedupe.stored.candidates import Owner, Vectors
from memory.dedupe.stored.rows import Statement as Statement
from memory.jobs.locks import lock_writes
from memory.remember.deciding import Deciding
from memory.remember.deciding import Remembered as Remembered
from memory.tuning import TermsOf

log = logging.getLogger(__name__)

TRIES: Final = 3  # at writing what somebody who held no lock has written meanwhile


def remember(
    *,
    owner: Owner,
    statements: Sequence[Statement],
    vectors: Vectors,
    terms: TermsOf,
    now: datetime | None = None,
) -> list[Remembered]:
    """Decide about each statement beside the owner's memories. One answer per statement, in order.

    All of it in one transaction, under the user's lock, so that two workers can't add the same fact.
    """
    if not statements:
        return []
    with transaction.atomic():
        lock_writes(*owner.user)
        remembered = write_down(
            owners=[owner] * len(statements),
            statements=statements,
            vectors=vectors,
            terms=terms,
            now=now or timezone.now(),
        )
        transaction.on_commit(lambda: caching.forget_context(*owner.user, conversations=False))
    return remembered


def write_down(
    *,
    owners: Sequence[Owner],
    statements: Sequence[Statement],
    vectors: Vectors,
    terms: TermsOf,
    now: datetime,
) -> list[Remembered]:
    """The same for statements of many owners, in a transaction that holds the locks of all their users already.

    `vectors.rows` has a row per statement. The same few statements to PostgreSQL, however many facts and owners.
    A fact of a message that was decided about before stays as it was decided. For users without real_time_dedup only
    the same words are a duplicate: the rest is the job `dedupe`'s.
    The caller drops the users' cached contexts when it has committed.
    """
    for left in range(TRIES - 1, 0, -1):
        try:
            with transaction.atomic():
                return Deciding(owners, statements, vectors, terms, now).write()
        except IntegrityError as problem:
            # somebody wrote one of these facts without the lock: it is known now, and decided about anew
            told = type(problem.__cause__).__name__
            log.warning("event=facts_decided_again facts=%s left=%s error=%s", len(statements), left, told)
    with transaction.atomic():
        return Deciding(owners, statements, vectors, terms, now).write()
