"""Reads messages and texts again that the local extractor read while the configured one was away."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.db.models import Max

from memory import caching, catalogue, remember
from memory.dedupe.stored.candidates import Owner, Vectors
from memory.dedupe.stored.rows import Retirement, retire
from memory.dedupe.stored.standing import standing
from memory.jobs.kinds import Again, Done, Work, job_kind
from memory.jobs.locks import lock_writes
from memory.models import DecidedBy, Decision, Memory, Message, Outcome, Priority, State
from memory.providers.base import Embedded, Fact, ProviderError, Said
from memory.remember import Remembered, Statement
from memory.tuning import TermsOf
from memory.work import tools
from memory.work.messages.share import is_wanted, statement
from memory.work.payloads import Reembed, Reread
from memory.work.tools import each
from memory.work.upkeep import judge
from memory.work.upkeep.redo import REEMBED, REREAD, later, order_again

SLICE: Final = 40  # calls to a chat model in one run

READ_AGAIN: Final = "Made of the same words by the configured extractor, which was away when they were read first."

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Read:
    """A message or a text, with the facts that were found in it now."""

    owner: Owner
    said: Said
    message_id: uuid.UUID | None
    metadata: dict[str, Any]
    facts: Sequence[Fact] = ()


@job_kind(REREAD, Reread, title="Read again", priority=Priority.LOW, time_limit_s=25.0)
def reread(work: Work[Reread]) -> Done | Again:
    """Add the facts that the configured extractor finds; what the local one made of the same words is superseded."""
    given, kit = work.payload, tools.from_settings()
    if not kit.remembers(work.workspace_id, work.user_id):
        return Done({"messages": 0, "skipped": catalogue.NOTHING_REMEMBERED})
    messages, texts = given.messages[:SLICE], given.texts[: max(0, SLICE - len(given.messages))]
    todo = [*_messages(work, messages), *_texts(work, len(texts))]
    first, local = kit.providers.first.extractor, kit.providers.local.extractor
    answers = each(lambda one: first.extract(one.said), todo, at_once=first.name != local.name)
    problem = next((answer for answer in answers if isinstance(answer, Exception)), None)
    if isinstance(problem, ProviderError):
        return later(work, given, problem)
    if problem is not None:
        raise problem
    wanted = kit.terms(work.workspace_id).extraction
    found = [
        replace(one, facts=[fact for fact in facts if is_wanted(fact, wanted)])
        for one, facts in zip(todo, answers, strict=True)
        if isinstance(facts, list)
    ]
    embedded = kit.providers.embed([fact.text for one in found for fact in one.facts])
    before = (work.result or {}).get("messages", 0)
    result = {"messages": before + len(found)}
    write = partial(_write, work, found, embedded, first.name, kit.terms)
    rest = given.model_copy(
        update={"messages": given.messages[len(messages) :], "texts": given.texts[len(texts) :], "tries": 0}
    )
    if rest.messages or rest.texts:
        return Again(rest, result=result, write=write)
    return Done(result, write)


def _messages(work: Work[Reread], ids: Sequence[uuid.UUID]) -> list[_Read]:
    mine = Message.objects.filter(workspace_id=work.workspace_id, conversation__user_id=work.user_id, pk__in=ids)
    owner = Owner(work.workspace_id, work.user_id)
    rows = mine.order_by("said_at", "pk").only("role", "content", "said_at", "name", "recalled")
    return [_Read(owner, Said(m.role, m.content, m.said_at, m.name, m.recalled), m.pk, {}) for m in rows]


def _texts(work: Work[Reread], count: int) -> list[_Read]:
    return [
        _Read(
            Owner(work.workspace_id, work.user_id, **text.scope.model_dump()),
            Said("user", text.text, work.now),
            None,
            dict(text.metadata),
        )
        for text in work.payload.texts[:count]
    ]


def _write(work: Work[Reread], found: Sequence[_Read], embedded: Embedded, by: str, terms: TermsOf) -> None:
    user = (work.workspace_id, work.user_id)
    lock_writes(*user)
    earlier, next_ordinal = _earlier(found)
    pairs = [
        (one, statement(fact, by, one.said, next_ordinal.get(one.message_id, 0) + number,
                        message_id=one.message_id, metadata=one.metadata))
        for one in found for number, fact in enumerate(one.facts)
    ]  # fmt: skip
    # embedded.rows has a row per fact, in the same order
    erased = _erased(found)
    kept = [place for place, (_, new) in enumerate(pairs) if not _is_erased(new, erased)]
    pairs = [pairs[place] for place in kept]
    remembered = remember.write_down(
        owners=[one.owner for one, _ in pairs],
        statements=[new for _, new in pairs],
        vectors=Vectors(embedded.rows[kept], embedded.model),
        terms=terms,
        now=work.now,
    )
    _supersede(earlier, [new for _, new in pairs], remembered, by, work)
    if any(answer.outcome is Outcome.REVIEW for answer in remembered):
        judge.order([user], now=work.now)
    if embedded.reason:
        order_again(REEMBED, Reembed(), user, now=work.now)
    transaction.on_commit(lambda: caching.forget_context(*user, conversations=False))


def _earlier(found: Sequence[_Read]) -> tuple[list[Decision], dict[uuid.UUID | None, int]]:
    """What was added from these messages and is as it was then, and the next free ordinal of each message."""
    of = Decision.objects.filter(message_id__in=[one.message_id for one in found if one.message_id])
    last = of.values_list("message_id").annotate(Max("ordinal"))
    untouched = of.filter(
        outcome=Outcome.ADDED, memory__state=State.ACTIVE, memory__version=1, memory__pinned=False, span__isnull=False
    )
    return list(untouched), {message_id: ordinal + 1 for message_id, ordinal in last}


def _erased(found: Sequence[_Read]) -> dict[uuid.UUID | None, list[Span | None]]:
    """Where in these messages facts were said that have been forgotten since; None where that is not known."""
    said = Decision.objects.filter(message_id__in=[one.message_id for one in found if one.message_id])
    spans: dict[uuid.UUID | None, list[Span | None]] = {}
    for message_id, span in said.filter(memory__state=State.FORGOTTEN).values_list("message_id", "span"):
        spans.setdefault(message_id, []).append(None if span is None else (span[0], span[1]))
    return spans


def _is_erased(new: Statement, erased: dict[uuid.UUID | None, list[Span | None]]) -> bool:
    """Whether a fact is what was forgotten, in other words: it is not learned again of the same message."""
    spans = erased.get(new.message_id, [])
    return any(span is None or new.span is None or _overlap(new.span, span) for span in spans)


def _supersede(
    earlier: Sequence[Decision], new: Sequence[Statement], remembered: Sequence[Remembered], by: str, work: Work[Any]
) -> None:
    """What was made of the same words before gives way to what was made of them now, unless that says the same."""
    confirmed = {answer.memory_id for answer in remembered}
    active = Memory.objects.active().filter(pk__in=[old.memory_id for old in earlier])
    stands = standing(set(active.values_list("pk", flat=True)) - confirmed)
    retirements, decisions = [], []
    for old in earlier:
        if old.memory_id not in stands or (better := _better(old, new, remembered)) is None:
            continue
        one = Retirement(old.memory_id, "", State.SUPERSEDED, better[1].memory_id, work.now)
        retirements.append(one)
        decisions.append(
            Decision(
                workspace_id=work.workspace_id,
                user_id=work.user_id,
                outcome=Outcome.SUPERSEDED,
                by=DecidedBy.BATCH,
                actor=by,
                reason=READ_AGAIN,
                memory_id=one.by,
                other_id=one.id,
                text=better[0].text,
                effects=[one.effect(stands[one.id])],
            )
        )
    retire(retirements, now=work.now)
    Decision.objects.bulk_create(decisions)


def _better(
    old: Decision, new: Sequence[Statement], remembered: Sequence[Remembered]
) -> tuple[Statement, Remembered] | None:
    """What was made now of the words of which an earlier fact was made."""
    for fact, answer in zip(new, remembered, strict=True):
        if old.span and fact.span and fact.message_id == old.message_id and _overlap(fact.span, old.span):
            return fact, answer
    return None


def _overlap(a: Span, b: Sequence[int]) -> bool:
    return a[0] < b[1] and b[0] < a[1]
