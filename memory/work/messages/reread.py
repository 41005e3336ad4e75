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
from memory.dedupe.candidates import Owner, Vectors
from memory.dedupe.decide import Outcome
from memory.jobs.kinds import Again, Done, Work, job_kind
from memory.jobs.locks import lock_writes
from memory.models import Decision, Memory, Message, Priority, State
from memory.providers.base import Embedded, Fact, ProviderError, Said
from memory.remember import Remembered, Statement
from memory.work import tools
from memory.work.messages.share import statement
from memory.work.payloads import Reembed, Reread
from memory.work.tools import each
from memory.work.upkeep.redo import REEMBED, REREAD, later, order_again

SLICE: Final = 40  # calls to a chat model in one run

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
    found = [replace(one, facts=facts) for one, facts in zip(todo, answers, strict=True) if isinstance(facts, list)]
    embedded = kit.providers.embed([fact.text for one in found for fact in one.facts])
    before = (work.result or {}).get("messages", 0)
    result = {"messages": before + len(found)}
    write = partial(_write, work, found, embedded, first.name, kit.near_certain)
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


def _write(work: Work[Reread], found: Sequence[_Read], embedded: Embedded, by: str, near_certain: float) -> None:
    user = (work.workspace_id, work.user_id)
    lock_writes(*user)
    earlier, next_ordinal = _earlier(found)
    pairs = [
        (one, statement(fact, by, one.said, next_ordinal.get(one.message_id, 0) + number,
                        message_id=one.message_id, metadata=one.metadata))
        for one in found for number, fact in enumerate(one.facts)
    ]  # fmt: skip
    remembered = remember.write_down(
        owners=[one.owner for one, _ in pairs],
        statements=[new for _, new in pairs],
        vectors=Vectors(embedded.rows, embedded.model),
        near_certain=near_certain,
        now=work.now,
    )
    _supersede(earlier, [new for _, new in pairs], remembered, work)
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


def _supersede(
    earlier: Sequence[Decision], new: Sequence[Statement], remembered: Sequence[Remembered], work: Work[Any]
) -> None:
    """What was made of the same words before gives way to what was made of them now, unless that says the same."""
    confirmed = {answer.memory_id for answer in remembered}
    for old in earlier:
        if old.memory_id is None or old.memory_id in confirmed or old.span is None:
            continue
        better = next(
            (
                answer.memory_id
                for fact, answer in zip(new, remembered, strict=True)
                if fact.message_id == old.message_id and fact.span and _overlap(fact.span, old.span)
            ),
            None,
        )
        if better is not None:
            Memory.objects.filter(pk=old.memory_id, state=State.ACTIVE, version=1).update(
                state=State.SUPERSEDED, replaced_by=better, valid_to=work.now, updated_at=work.now
            )


def _overlap(a: Span, b: Sequence[int]) -> bool:
    return a[0] < b[1] and b[0] < a[1]
