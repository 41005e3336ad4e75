"""Takes a decision back, whoever made it: every memory that it changed becomes exactly what it was."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from memory.dedupe.normalise import text_hash
from memory.errors import ConflictError, GoneError, NotFoundError
from memory.jobs.locks import lock_writes
from memory.models import Cause, Decision, Memory, Outcome, Revision, State
from memory.providers.base import Embedded
from memory.providers.standby import Standby
from memory.remember.by_hand import changing, deciding

FORGOTTEN: Final = "Memory {} was forgotten: its text is erased, so what was decided about it can't be undone."

Vectors = dict[str, Embedded]  # by text


def undo(
    *,
    workspace_id: uuid.UUID,
    decision_id: uuid.UUID,
    providers: Standby,
    actor: str,
    now: datetime,
    reason: str = "",
) -> Decision:
    """Put every memory that the decision changed back as it was, with the text that it had.

    What the decision added stays beside it, since it was said, except for the parts of a split; undoing `added` retires
    the memory, undoing `duplicate` adds the fact as a memory of its own. An answered question waits again. Raises
    NotFoundError; GoneError where a memory of it was forgotten; ConflictError, naming what came later, where one has
    changed since, and where it was undone already.
    """
    found = Decision.objects.filter(pk=decision_id, workspace_id=workspace_id).first()
    if found is None:
        raise NotFoundError(f"No decision {decision_id} in this workspace.")
    texts = _texts(found)
    # before the transaction: a provider may take its time
    vectors = {text: providers.embed([text]) for text in texts}
    with transaction.atomic():
        lock_writes(workspace_id, found.user_id)
        decision = Decision.objects.select_for_update().get(pk=decision_id)
        _refuse(decision)
        if not _texts(decision) <= texts:
            raise ConflictError("What this decision is about changed in this very moment. Try again.")
        who: dict[str, Any] = {"actor": actor, "reason": reason}
        holder = decision.memory
        before = None if holder is None else changing.told(holder)
        for effect in decision.effects:
            _put_back(decision, effect, vectors, **who)
        _undo_rest(decision, vectors, now=now, **who)
        _part(decision, **who)
        _mark(decision, actor, now)
        if holder is not None and before is not None:
            holder.refresh_from_db(fields=[*changing.TOLD, "version"])
            more = {"decision": str(decision.pk), "undone": str(decision.outcome)}
            changing.tell(holder, "undo", before, now=now, **who, **more)
            changing.drop_contexts(holder)
    return decision


def _refuse(decision: Decision) -> None:
    if decision.undone_at is not None:
        raise ConflictError(f"This decision was undone already, by {decision.undone_by or 'the system'}.")
    if decision.outcome == Outcome.REVIEW and decision.resolved_at is None:
        raise ConflictError("This question waits for an answer: there is nothing to undo. Answer it instead.")
    touched = [effect["id"] for effect in decision.effects]
    touched += [str(id) for id in (decision.memory_id, decision.other_id) if id is not None]
    gone = Memory.objects.filter(pk__in=touched, state=State.FORGOTTEN).values_list("pk", flat=True).first()
    if gone is not None:
        raise GoneError(FORGOTTEN.format(gone))
    if decision.memory_id is None:
        raise GoneError("The memory of this decision was deleted, so there is nothing to put back.")


def _texts(decision: Decision) -> set[str]:
    """What has to be embedded: texts that memories get back, or the fact that becomes a memory of its own."""
    if _adds(decision):
        return {decision.text} if decision.text else set()
    versions = {
        effect["id"]: effect["before"]["version"]
        for effect in decision.effects
        if effect["before"].get("version") != effect["after"].get("version")
    }
    texts = set()
    for row in Memory.objects.filter(pk__in=versions).only("text"):
        was = _text_at(row, versions[str(row.pk)])
        if was and was != row.text:
            texts.add(was)
    return texts


def _adds(decision: Decision) -> bool:
    return decision.outcome == Outcome.DUPLICATE and not decision.effects


def _text_at(memory: Memory, version: int) -> str | None:
    return Revision.objects.filter(memory=memory, number=version).values_list("text", flat=True).first()


def _put_back(decision: Decision, effect: dict[str, Any], vectors: Vectors, *, actor: str, reason: str) -> None:
    memory = Memory.objects.select_for_update().filter(pk=effect["id"]).first()
    if memory is None:
        raise GoneError(f"Memory {effect['id']} was deleted, so it can't be put back.")
    was, became = effect["before"], effect["after"]
    _refuse_changed(decision, memory, became)
    text = _text_at(memory, was["version"]) if was.get("version", memory.version) != memory.version else memory.text
    if text is not None and text != memory.text:
        changing.set_text(memory, text, vectors[text])
    if was.get("state") == State.ACTIVE:
        changing.refuse_twin(memory, memory.text_hash)
    for name, value in was.items():
        if name != "version":
            _set(memory, name, value)
    changing.revise(memory, Cause.UNDONE, actor=actor, reason=reason, restores=was.get("version"))
    memory.save()


def _set(memory: Memory, name: str, value: Any) -> None:
    if name == "replaced_by":
        memory.replaced_by_id = None if value is None else uuid.UUID(value)
    elif name in {"valid_to", "expires_at"}:
        setattr(memory, name, None if value is None else datetime.fromisoformat(value))
    else:
        setattr(memory, name, value)


def _refuse_changed(decision: Decision, memory: Memory, became: dict[str, Any]) -> None:
    """Raise ConflictError, naming what came later, where the memory is not any more what the decision made of it."""
    is_now = deciding.side(memory, *(name for name in became if name in deciding.CARRIED))
    is_now["version"], then = _standing(memory, memory.version), _standing(memory, became["version"])
    if all(_same(is_now[name], value) for name, value in (became | {"version": then}).items()):
        return
    later = memory.revisions.filter(number=is_now["version"]).exclude(number=then).first()
    if later is not None:
        raise ConflictError(
            f"Memory {memory.pk} has changed since: revision {later.number} ({later.cause}, by "
            f"{later.actor or 'the system'}) came later. Undo or change that first."
        )
    if (after := _later(decision, memory.pk)) is not None:
        raise ConflictError(
            f"Memory {memory.pk} has changed since: decision {after.pk} ({after.outcome}) came later. Undo that first."
        )
    changed = [name for name, value in became.items() if not _same(is_now[name], value)]
    raise ConflictError(f"Memory {memory.pk} has changed since: its {' and '.join(changed)} differ by now.")


def _standing(memory: Memory, number: int) -> int:
    """The revision that holds when this is the newest: what was done and undone since counts for nothing."""
    restores = dict(memory.revisions.filter(number__lte=number).values_list("number", "restores"))
    while (earlier := restores.get(number)) is not None and earlier < number:
        number = earlier
    return number


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, str) and isinstance(b, str) and a != b:
        try:
            return datetime.fromisoformat(a) == datetime.fromisoformat(b)
        except (ValueError, TypeError):
            return False
    return bool(a == b)


def _later(decision: Decision, memory_id: uuid.UUID) -> Decision | None:
    """The next decision about a memory that still holds."""
    mine = Decision.objects.filter(workspace_id=decision.workspace_id, user_id=decision.user_id, pk__gt=decision.pk)
    about = Q(effects__contains=[{"id": str(memory_id)}]) | Q(other_id=memory_id)
    return mine.filter(about, undone_at=None).order_by("pk").first()


def _undo_rest(decision: Decision, vectors: Vectors, *, actor: str, reason: str, now: datetime) -> None:
    """What a decision did beside changing memories that were there."""
    if decision.outcome == Outcome.ADDED:
        _retire(decision, decision.memory, None, actor=actor, reason=reason, now=now)
    elif decision.outcome == Outcome.SPLIT:
        parts = [line["id"] for line in decision.trace]
        for part in Memory.objects.select_for_update().filter(pk__in=parts).order_by("pk"):
            _retire(decision, part, decision.other, actor=actor, reason=reason, now=now)
    elif _adds(decision):
        _add(decision, vectors)
    elif decision.outcome == Outcome.SUPERSEDED and not decision.effects:
        _revive(decision, actor=actor, reason=reason)


def _part(decision: Decision, *, actor: str, reason: str) -> None:
    """Say that the memories of an undone merge are facts of their own: of the first two the decision itself says it."""
    ids = {effect["id"] for effect in decision.effects} - {str(decision.memory_id), str(decision.other_id)}
    if decision.memory is not None and decision.outcome in {Outcome.MERGED, Outcome.SUPERSEDED}:
        for memory in Memory.objects.filter(pk__in=ids).order_by("pk"):
            deciding.decided(Outcome.KEPT_APART, decision.memory, memory, actor=actor, reason=reason)


def _retire(
    decision: Decision, memory: Memory | None, instead: Memory | None, *, actor: str, reason: str, now: datetime
) -> None:
    """Take away a memory that is still as the decision added it."""
    if memory is None:
        return
    _refuse_changed(decision, memory, {"state": str(State.ACTIVE), "version": 1})
    memory.state, memory.replaced_by, memory.valid_to = State.SUPERSEDED, instead, now
    changing.revise(memory, Cause.UNDONE, actor=actor, reason=reason)
    memory.save()


def _add(decision: Decision, vectors: Vectors) -> None:
    """Make the fact that was known already a memory of its own."""
    known = decision.memory
    if known is None or not decision.text:
        raise GoneError("The text of this decision is erased, so the fact can't be added.")
    digest = text_hash(decision.text)
    added = Memory(
        **{name: getattr(known, name) for name in (*changing.SCOPE, "kind", "importance", "in_large_scope")},
        text=decision.text,
        text_hash=digest,
        source=decision.message,
        valid_from=decision.message.said_at if decision.message is not None else decision.created_at,
    )
    changing.refuse_twin(added, digest)
    changing.set_text(added, decision.text, vectors[decision.text])
    added.save()
    Revision.objects.create(memory=added, number=1, text=added.text, cause=Cause.UNDONE, actor=decision.undone_by)
    decision.other = added


def _revive(decision: Decision, *, actor: str, reason: str) -> None:
    """A fact that was said before the one that replaces it came late, and was never active: now it is."""
    pair = [memory for memory in (decision.memory, decision.other) if memory is not None]
    for memory in pair:
        if memory.state == State.SUPERSEDED and memory.replaced_by_id in {one.pk for one in pair}:
            changing.refuse_twin(memory, memory.text_hash)
            memory.state, memory.replaced_by, memory.valid_to = State.ACTIVE, None, None
            changing.revise(memory, Cause.UNDONE, actor=actor, reason=reason)
            memory.save()
            return
    raise ConflictError("The memory that this decision superseded has changed since, and is not superseded by it now.")


def _mark(decision: Decision, actor: str, now: datetime) -> None:
    if decision.outcome == Outcome.REVIEW:
        # exactly what was: a question that waits
        decision.resolved_at, decision.resolved_by, decision.resolution, decision.effects = None, "", "", []
        decision.reason, decision.undone_by = "", actor  # whoever put it back: no model answers it again
    else:
        decision.undone_at, decision.undone_by = now, actor
    decision.save()
