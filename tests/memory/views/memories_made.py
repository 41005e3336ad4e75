"""Builders of the Memories page: one user's facts in every state, with the decisions that made them so."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.db.models import F

from memory.models import (
    Conversation,
    Decision,
    Memory,
    Message,
    Outcome,
    Revision,
    Served,
    State,
    Workspace,
)
from tests.make import make_conversation, make_memory, make_workspace

USER = "u-4821"
SAID = (
    "Can we move the call? I run my 10k every Tuesday and Thursday morning before work, so anything after nine is fine."
)
EXTRACTED = "I run my 10k every Tuesday and Thursday morning before work"


def make_reader(name: str = "reader", *permissions: str) -> User:
    """Who may see memories, and what else is named: `change_memory`."""
    user = User.objects.create_user(name)
    names = ("view_memory", *permissions)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="memory", codename__in=names))
    return user


def make_fact(text: str, home: Workspace, *, learned: datetime, kind: str = "habit", **fields: Any) -> Memory:
    memory = make_memory(text, home, user_id=USER, kind=kind, **fields)
    Memory.objects.filter(pk=memory.pk).update(created_at=learned, updated_at=learned)
    Revision.objects.filter(memory=memory).update(created_at=learned)
    memory.refresh_from_db()
    return memory


def make_message(content: str, conversation: Conversation, *, position: int, at: datetime) -> Message:
    return Message.objects.create(
        workspace=conversation.workspace,
        conversation=conversation,
        position=position,
        role="user",
        content=content,
        tokens=30,
        said_at=at,
    )


def make_decision(memory: Memory, outcome: str, **fields: Any) -> Decision:
    defaults = {"workspace": memory.workspace, "user_id": memory.user_id, "memory": memory, "text": memory.text}
    return Decision.objects.create(**defaults | {"outcome": outcome, "model": "local", "took_ms": 11} | fields)


def weighed(memory: Memory, score: float, outcome: str, *guards: dict[str, Any]) -> dict[str, Any]:
    """A candidate as a trace keeps it."""
    return {
        "id": str(memory.pk),
        "similarity": score,
        "score": score,
        "relation": "apart",
        "guards": list(guards),
        "outcome": outcome,
    }


def revise(memory: Memory, text: str, *, at: datetime, cause: str, actor: str = "", reason: str = "") -> None:
    Memory.objects.filter(pk=memory.pk).update(text=text, version=F("version") + 1, updated_at=at)
    memory.refresh_from_db()
    made = Revision.objects.create(
        memory=memory, number=memory.version, text=text, cause=cause, actor=actor, reason=reason
    )
    Revision.objects.filter(pk=made.pk).update(created_at=at)


def fill(*, now: datetime, home: Workspace | None = None) -> Memory:
    """The runner's facts; the one that two were merged into."""
    home = home or make_workspace(name="acme")
    days = [now - timedelta(days=day) for day in range(40)]
    make_fact("Likes to plan Thursday runs by text the evening before", home, learned=days[38], kind="preference")
    gone = make_fact("Takes tablets against hay fever", home, learned=days[32], kind="health")
    partner = make_fact("Partner runs 10 km every Tuesday and prefers trails", home, learned=days[24], kind="relation")
    revise(partner, partner.text, at=days[20], cause="edited", actor="ops")
    half = make_fact("Is training for a first half marathon in October", home, learned=days[19], kind="plan")
    rain = make_fact("Does not run on Thursday when it rains", home, learned=days[12], kind="constraint")
    older = make_fact("Runs 10 km on Tuesday and Thursday mornings", home, learned=days[10])
    five = make_fact("Runs 5 km every Tuesday and Thursday with the office group", home, learned=days[9])
    full = make_fact("Is training for a full marathon in April", home, learned=days[8], kind="plan")
    best = make_fact("Runs ten kilometres on Tuesday and Thursday, in the mornings", home, learned=days[7])
    _tell(best, older, days=days, now=now, home=home)
    trace = [
        weighed(older, 0.981, "merged"),
        weighed(five, 0.953, "kept_apart", {"guard": "number", "a": ["10 km"], "b": ["5 km"]}),
        weighed(rain, 0.931, "kept_apart", {"guard": "negation", "a": [], "b": ["not"]}),
        weighed(partner, 0.927, "kept_apart", {"guard": "subject", "a": [], "b": ["partner"]}),
    ]
    message = best.source
    assert message is not None
    start = SAID.index(EXTRACTED)
    span = [start, start + len(EXTRACTED)]
    effects = [{"id": str(older.pk), "before": {"state": "active"}, "after": {"state": "merged"}}]
    make_decision(
        best, Outcome.MERGED, other=older, trace=trace, thresholds={"same": 0.92}, span=span, message=message,
        effects=effects,
    )  # fmt: skip
    Memory.objects.filter(pk=half.pk).update(
        state=State.SUPERSEDED, replaced_by=full, valid_from=days[19], valid_to=days[8]
    )
    Memory.objects.filter(pk=full.pk).update(valid_from=days[8])
    make_decision(full, Outcome.SUPERSEDED, other=half, thresholds={"same": 0.92}, trace=[
        weighed(half, 0.88, "superseded", {"guard": "words", "a": ["full", "april"], "b": ["half", "october"]}),
    ])  # fmt: skip
    _forget(gone, at=days[20])
    return best


def _tell(best: Memory, older: Memory, *, days: list[datetime], now: datetime, home: Workspace) -> None:
    conversation = make_conversation(home, user_id=USER, external_id="c-55120")
    message = make_message(SAID, conversation, position=18, at=now - timedelta(minutes=20))
    Memory.objects.filter(pk=best.pk).update(source=message, importance=0.9)
    best.refresh_from_db()
    text = "Runs 10 km on Tuesday and Thursday mornings"
    revise(best, text, at=days[6], cause="edited", actor="ops", reason="unit normalised")
    last = "Runs 10 km every Tuesday and Thursday morning before work"
    revise(best, last, at=now - timedelta(minutes=19), cause="merged", reason="both source messages kept")
    Memory.objects.filter(pk=older.pk).update(state=State.MERGED, replaced_by=best, valid_to=now)
    for ago in range(1, 5):
        Served.objects.create(
            memory=best, day=days[ago].date(), times=9, ranks=19, of=72, tokens=126, last_at=days[ago]
        )


def _forget(memory: Memory, *, at: datetime) -> None:
    Memory.objects.filter(pk=memory.pk).update(
        state=State.FORGOTTEN, text="", text_hash=f"forgotten:{memory.pk.hex}", embedding=None
    )
    memory.revisions.update(text="")
    Revision.objects.create(memory=memory, number=2, text="", cause="forgotten", actor="admin")
