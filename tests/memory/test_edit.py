from __future__ import annotations

import uuid

import numpy as np
import pytest

from memory.errors import ConflictError, GoneError, NotFoundError
from memory.models import Decision, Memory, State
from memory.remember import edit, forget
from tests.make import NOW, make_conversation, make_memory, make_providers, make_workspace, say, work

pytestmark = pytest.mark.django_db


def change(memory: Memory, **changes: object) -> Memory:
    options = {"providers": make_providers(), "actor": "ops", "now": NOW}
    return edit(workspace_id=memory.workspace_id, memory_id=memory.pk, **options | changes)  # type: ignore[arg-type]


def test_a_new_text_is_a_revision_and_is_embedded_again() -> None:
    memory = make_memory("Lives in Leeds")
    changed = change(memory, text="Lives in York", reason="told us by phone")
    stored = Memory.objects.get()
    assert (stored.text, stored.version) == ("Lives in York", 2)
    assert not np.allclose(np.array(stored.embedding), memory.embedding, atol=1e-3)
    revisions = list(changed.revisions.order_by("number").values_list("number", "text", "cause", "actor", "reason"))
    assert revisions == [
        (1, "Lives in Leeds", "added", "tests", ""),
        (2, "Lives in York", "edited", "ops", "told us by phone"),
    ]


def test_the_same_text_is_no_revision() -> None:
    memory = make_memory("Lives in Leeds")
    assert change(memory, text="Lives in Leeds", pinned=True).version == 1
    assert Memory.objects.get().pinned


def test_a_text_that_another_memory_has_is_refused() -> None:
    memory = make_memory("Lives in Leeds")
    other = make_memory("Lives in York", memory.workspace)
    with pytest.raises(ConflictError, match=str(memory.pk)):
        change(other, text="lives in leeds")
    assert Memory.objects.get(pk=other.pk).text == "Lives in York"


def test_forgetting_erases_the_text_everywhere_and_keeps_that_it_happened() -> None:
    conversation = make_conversation()
    say(conversation, "I'm allergic to peanuts.")
    work(conversation)
    memory = Memory.objects.get()
    forget(workspace_id=memory.workspace_id, memory_id=memory.pk, actor="ops", now=NOW, reason="asked to")
    memory.refresh_from_db()
    assert (memory.state, memory.text, memory.embedding) == (State.FORGOTTEN, "", None)
    assert list(memory.revisions.order_by("number").values_list("text", "cause")) == [
        ("", "extracted"),
        ("", "forgotten"),
    ]
    assert list(Decision.objects.values_list("text", "trace")) == [("", [])]
    with pytest.raises(GoneError):
        change(memory, text="Is allergic to peanuts")


def test_a_forgotten_fact_may_be_learned_again() -> None:
    conversation = make_conversation()
    for _ in range(2):
        say(conversation, "I'm allergic to peanuts.")
        work(conversation)
        memory = Memory.objects.active().get()
        forget(workspace_id=memory.workspace_id, memory_id=memory.pk, actor="ops", now=NOW)
    assert Memory.objects.filter(state=State.FORGOTTEN).count() == 2


def test_another_workspaces_memory_is_not_found() -> None:
    memory = make_memory()
    for workspace_id, memory_id in ((make_workspace().pk, memory.pk), (memory.workspace_id, uuid.uuid4())):
        with pytest.raises(NotFoundError):
            forget(workspace_id=workspace_id, memory_id=memory_id, actor="ops", now=NOW)
