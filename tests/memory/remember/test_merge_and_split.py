from __future__ import annotations

import pytest

from memory.errors import ConflictError, GoneError, InvalidError, NotFoundError
from memory.models import Decision, Memory, State
from memory.remember import forget, merge, restore, split
from monitoring.models import AuditEntry
from tests.make import NOW, make_memory, make_workspace
from tests.memory.remember.made import LATER, act, make_memories, provided, refused

pytestmark = pytest.mark.django_db


def test_merging_keeps_the_longer_text_and_what_made_the_others_matter() -> None:
    bare, rich = make_memories("Runs", "Runs 10 km every Sunday with Tom")
    Memory.objects.filter(pk=bare.pk).update(pinned=True, importance=0.9, expires_at=LATER)
    merged = provided(merge, bare, memory_ids=[bare.pk, rich.pk], reason="the same run")
    stored, gone = Memory.objects.get(pk=rich.pk), Memory.objects.get(pk=bare.pk)
    assert merged.pk == rich.pk
    assert (stored.state, stored.pinned, stored.importance, stored.expires_at) == (State.ACTIVE, True, 0.9, None)
    assert (gone.state, gone.replaced_by_id, gone.valid_to, gone.text) == (State.MERGED, rich.pk, LATER, "Runs")
    for memory in (stored, gone):
        revision = memory.revisions.get(number=2)
        assert (revision.cause, revision.actor, revision.reason) == ("merged", "ops", "the same run")
    decision = Decision.objects.get()
    assert (decision.outcome, decision.by, decision.actor, decision.memory_id) == ("merged", "person", "ops", rich.pk)
    assert [effect["id"] for effect in decision.effects] == [str(bare.pk), str(rich.pk)]
    assert "Runs" not in str(decision.effects)
    entry = AuditEntry.objects.get(action="memory.merge")
    assert (entry.subject, entry.reason) == (str(rich.pk), "the same run")
    assert entry.after is not None
    assert entry.after["merged"] == [str(bare.pk)]


def test_the_chosen_one_stays_with_the_chosen_text_even_if_another_had_it() -> None:
    first, second, third = make_memories("Has a dog", "Has a dog named Bo", "Walks Bo daily")
    merged = provided(
        merge, first, memory_ids=[first.pk, second.pk, third.pk], into=first.pk, text=" Has a dog named Bo "
    )
    assert (merged.pk, merged.text, merged.version) == (first.pk, "Has a dog named Bo", 2)
    assert Memory.objects.active().get() == first
    vectors = Memory.objects.filter(pk__in=[first.pk, second.pk]).values_list("embedding", flat=True)
    assert len({str(vector) for vector in vectors}) == 1


def test_what_can_not_be_merged_is_refused_with_the_reason_and_changes_nothing() -> None:
    mine, second = make_memories("Lives in Leeds", "Lives in York")
    theirs = make_memory("Lives in Bonn", mine.workspace, user_id="jonas")
    foreign = make_memory("Lives in Oslo")
    taken = make_memory("Lives in Paris", mine.workspace)
    with refused(InvalidError, "different users"):
        provided(merge, mine, memory_ids=[mine.pk, theirs.pk])
    with refused(NotFoundError, str(foreign.pk)):
        provided(merge, mine, memory_ids=[mine.pk, foreign.pk])
    with refused(InvalidError, "2 to 50"):
        provided(merge, mine, memory_ids=[mine.pk, mine.pk])
    with refused(InvalidError, "one of the memories"):
        provided(merge, mine, memory_ids=[mine.pk, second.pk], into=taken.pk)
    with refused(InvalidError, "empty"):
        provided(merge, mine, memory_ids=[mine.pk, second.pk], text="  ")
    with refused(ConflictError, str(taken.pk)):
        provided(merge, mine, memory_ids=[mine.pk, second.pk], text="lives in Paris")
    act(forget, taken, memory_id=taken.pk)
    with refused(GoneError, "forgotten"):
        provided(merge, mine, memory_ids=[mine.pk, taken.pk])
    assert Memory.objects.active().count() == 4
    assert not Decision.objects.exists()


def test_splitting_puts_parts_with_kind_dates_and_source_in_the_place_of_the_whole() -> None:
    whole = make_memory("Lives in Leeds and works as a nurse", kind="place", valid_from=NOW, importance=0.7)
    parts = provided(split, whole, memory_id=whole.pk, texts=["Lives in Leeds", " Works as a nurse "])
    assert [(part.text, part.kind, part.valid_from, part.importance) for part in parts] == [
        ("Lives in Leeds", "place", NOW, 0.7),
        ("Works as a nurse", "place", NOW, 0.7),
    ]
    whole.refresh_from_db()
    assert (whole.state, whole.replaced_by_id, whole.valid_to) == (State.SUPERSEDED, parts[0].pk, LATER)
    decision = Decision.objects.get()
    assert (decision.outcome, decision.other_id) == ("split", whole.pk)
    assert [line["id"] for line in decision.trace] == [str(part.pk) for part in parts]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["Lives in Leeds"], "2 to 8"),
        (["a b"] * 9, "2 to 8"),
        (["Lives in Leeds", " "], "texts.1"),
        (["Lives in Leeds", "lives in leeds"], "same as texts.0"),
    ],
)
def test_texts_that_make_no_split_are_refused(texts: list[str], said: str) -> None:
    whole = make_memory("Lives in Leeds and works as a nurse")
    with refused(InvalidError, said):
        provided(split, whole, memory_id=whole.pk, texts=texts)
    assert Memory.objects.get().state == State.ACTIVE


def test_a_part_that_another_memory_says_is_refused() -> None:
    whole, known = make_memories("Lives in Leeds and works as a nurse", "Lives in Leeds")
    with refused(ConflictError, str(known.pk)):
        provided(split, whole, memory_id=whole.pk, texts=["Lives in Leeds", "Works as a nurse"])


def test_restoring_brings_a_merged_one_back_but_not_beside_its_twin_nor_when_forgotten() -> None:
    bare, rich = make_memories("Has a dog", "Has a dog named Bo")
    provided(merge, bare, memory_ids=[bare.pk, rich.pk])
    restored = act(restore, bare, memory_id=bare.pk, reason="two dogs")
    assert (restored.state, restored.replaced_by, restored.valid_to, restored.version) == (State.ACTIVE, None, None, 3)
    assert Decision.objects.get(outcome="restored").other_id == rich.pk
    with refused(ConflictError, "active already"):
        act(restore, bare, memory_id=bare.pk)
    provided(merge, bare, memory_ids=[bare.pk, rich.pk], into=rich.pk)
    twin = make_memory("has a dog", bare.workspace)
    with refused(ConflictError, str(twin.pk)):
        act(restore, bare, memory_id=bare.pk)
    act(forget, bare, memory_id=bare.pk)
    with refused(GoneError, "can't be restored"):
        act(restore, bare, memory_id=bare.pk)


def test_acts_in_another_workspace_find_nothing() -> None:
    memory = make_memory("Lives in Leeds")
    elsewhere = make_workspace().pk
    with refused(NotFoundError, str(memory.pk)):
        act(restore, elsewhere, memory_id=memory.pk)
    with refused(NotFoundError, str(memory.pk)):
        provided(split, elsewhere, memory_id=memory.pk, texts=["a b", "c d"])
