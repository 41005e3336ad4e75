from __future__ import annotations

import random

import pytest

from memory.errors import ConflictError, GoneError
from memory.models import Decision, Memory, State
from memory.remember import edit, forget, keep_apart, merge, resolve, restore, split, undo
from tests.make import NOW, make_conversation, make_memory, say, work
from tests.memory.remember.made import LATER, act, decide, make_memories, provided, refused, snapshot
from tests.memory.work.doubles import ask, run_due

pytestmark = pytest.mark.django_db


def newest() -> Decision:
    return Decision.objects.order_by("-pk")[0]


def test_undoing_a_persons_merge_brings_back_every_column_of_each_row() -> None:
    first, second, third = make_memories("Has a dog", "Has a dog named Bo", "Walks Bo daily")
    Memory.objects.filter(pk=third.pk).update(pinned=True, importance=0.9)
    Memory.objects.filter(pk=first.pk).update(expires_at=NOW)
    before = snapshot(first, second, third)
    provided(merge, first, memory_ids=[first.pk, second.pk, third.pk], into=first.pk, text="Walks the dog Bo daily")
    assert snapshot(first, second, third) != before
    undone = provided(undo, first, decision_id=newest().pk, reason="no")
    assert snapshot(first, second, third) == before
    assert (undone.undone_by, undone.undone_at is not None) == ("ops", True)
    assert list(first.revisions.order_by("number").values_list("text", "cause")) == [
        ("Has a dog", "added"),
        ("Walks the dog Bo daily", "merged"),
        ("Has a dog", "undone"),
    ]
    with refused(ConflictError, "undone already"):
        provided(undo, first, decision_id=undone.pk)


def test_undoing_a_split_takes_the_parts_away_unless_one_has_changed() -> None:
    whole = make_memory("Lives in Leeds and works as a nurse")
    before = snapshot(whole)
    texts = ["Lives in Leeds", "Works as a nurse"]
    provided(split, whole, memory_id=whole.pk, texts=texts)
    provided(undo, whole, decision_id=newest().pk)
    assert snapshot(whole) == before
    assert Memory.objects.active().get() == whole
    parts = provided(split, whole, memory_id=whole.pk, texts=texts)
    decision = newest()
    provided(edit, whole, memory_id=parts[1].pk, text="Works as a doctor")
    with refused(ConflictError, r"revision 2 \(edited, by ops\)"):
        provided(undo, whole, decision_id=decision.pk)
    assert Memory.objects.active().count() == 2


@pytest.mark.parametrize("by", ["real_time", "batch"])
@pytest.mark.parametrize(("outcome", "state"), [("merged", State.MERGED), ("superseded", State.SUPERSEDED)])
def test_undoing_what_the_pipeline_decided_keeps_what_it_added_beside_what_comes_back(
    outcome: str, state: State, by: str
) -> None:
    old, new = make_memories("Lives in Leeds", "Lives in York")
    before = snapshot(old)
    decision = decide(new, old, outcome, state=state, by=by)
    provided(undo, old, decision_id=decision.pk)
    assert snapshot(old) == before
    assert set(Memory.objects.active()) == {old, new}


def test_undo_names_the_later_revision_or_decision() -> None:
    old, new, newer = make_memories("Has a dog", "Has a dog named Bo", "Has a big dog named Bo")
    decision = decide(new, old, "merged", state=State.MERGED)
    provided(edit, old, memory_id=old.pk, text="Has one dog")
    with refused(ConflictError, r"revision 2 \(edited, by ops\)"):
        provided(undo, old, decision_id=decision.pk)
    third = make_memory("Has dogs", old.workspace)
    first = decide(new, third, "merged", state=State.MERGED)
    later = decide(newer, third, "superseded", state=State.SUPERSEDED)
    with refused(ConflictError, str(later.pk)):
        provided(undo, old, decision_id=first.pk)
    provided(undo, old, decision_id=later.pk)


def test_undoing_does_not_bring_back_a_second_one_with_the_same_words() -> None:
    old, new = make_memories("Lives in Leeds", "Lives in York")
    decision = decide(new, old, "superseded", state=State.SUPERSEDED)
    twin = make_memory("lives in Leeds", old.workspace)
    with refused(ConflictError, str(twin.pk)):
        provided(undo, old, decision_id=decision.pk)


def test_undoing_that_a_fact_was_added_retires_it_and_that_it_was_known_adds_it() -> None:
    memory = make_memory("Runs 5 km on Sundays")
    duplicate = decide(memory, None, "duplicate", text="Goes running every Sunday")
    provided(undo, memory, decision_id=duplicate.pk)
    added = Memory.objects.active().exclude(pk=memory.pk).get()
    assert (added.text, added.user_id, added.embedding is not None) == ("Goes running every Sunday", "mara", True)
    duplicate.refresh_from_db()
    assert duplicate.other == added
    provided(undo, memory, decision_id=decide(memory, None, "added").pk)
    assert Memory.objects.active().get() == added
    memory.refresh_from_db()
    assert (memory.state, memory.replaced_by, memory.valid_to is not None) == (State.SUPERSEDED, None, True)
    same_words = decide(added, None, "duplicate", text="goes running every Sunday")
    with refused(ConflictError, str(added.pk)):
        provided(undo, memory, decision_id=same_words.pk)


def test_undoing_gives_a_fact_that_came_late_a_life_of_its_own() -> None:
    now, late = make_memories("Lives in York", "Lives in Leeds")
    Memory.objects.filter(pk=late.pk).update(state=State.SUPERSEDED, replaced_by=now, valid_to=NOW)
    decision = decide(now, late, "superseded")
    provided(undo, now, decision_id=decision.pk)
    assert set(Memory.objects.active()) == {now, late}


def test_what_was_decided_about_a_forgotten_memory_can_not_be_undone() -> None:
    old, new = make_memories("Lives in Leeds", "Lives in York")
    decision = decide(new, old, "superseded", state=State.SUPERSEDED)
    act(forget, old, memory_id=old.pk)
    with refused(GoneError, str(old.pk)):
        provided(undo, old, decision_id=decision.pk)


@pytest.mark.parametrize(
    ("as_", "left", "state"),
    [("same", "Has a dog named Bo", "merged"), ("replace", "Has a dog", "superseded"), ("apart", None, "active")],
)
def test_a_question_is_answered_once_and_waits_again_when_that_is_undone(
    as_: str, left: str | None, state: str
) -> None:
    rich, bare = make_memories("Has a dog named Bo", "Has a dog")
    Memory.objects.filter(pk=rich.pk).update(valid_from=NOW)
    Memory.objects.filter(pk=bare.pk).update(valid_from=LATER)
    before = snapshot(rich, bare)
    question = decide(bare, rich, "review")
    answered = act(resolve, rich, decision_id=question.pk, as_=as_, reason="asked her")
    assert (answered.resolved_by, answered.reason) == ("ops", "asked her")
    assert Decision.objects.waiting().count() == 0
    if left is not None:
        stays = Memory.objects.active().get()
        assert stays.text == left
        goes = Memory.objects.exclude(pk=stays.pk).get()
        assert (goes.state, goes.replaced_by) == (state, stays)
    with refused(ConflictError, "answered already"):
        act(resolve, rich, decision_id=question.pk, as_="apart")
    provided(undo, rich, decision_id=question.pk)
    assert snapshot(rich, bare) == before
    assert Decision.objects.waiting().get() == question
    with refused(ConflictError, "waits for an answer"):
        provided(undo, rich, decision_id=question.pk)


def test_a_question_about_a_memory_that_is_gone_is_closed_with_what_happened() -> None:
    first, second, third = make_memories("Has a dog", "Has a dog named Bo", "Has a dog named Bo, a beagle")
    question = decide(first, second, "review")
    provided(merge, first, memory_ids=[second.pk, third.pk])
    assert Decision.objects.waiting().count() == 0
    with refused(ConflictError, f"{second.pk} was merged into {third.pk}"):
        act(resolve, first, decision_id=question.pk, as_="same")
    question.refresh_from_db()
    assert (question.resolution, question.resolved_by) == ("merged", "ops")
    assert "merged into" in question.reason


def test_keeping_apart_is_a_decision_per_pair_and_answers_what_waits() -> None:
    first, second, third = make_memories("Has a dog", "Has a cat", "Has a bird")
    question = decide(first, second, "review")
    decisions = act(keep_apart, first, memory_ids=[first.pk, second.pk, third.pk])
    assert [(one.memory, one.other) for one in decisions] == [(first, second), (first, third), (second, third)]
    question.refresh_from_db()
    assert (question.resolution, decisions[0].pk) == ("kept_apart", question.pk)
    assert all(one.by == "person" for one in decisions[1:])


def test_undoing_a_restore_merges_it_again() -> None:
    bare, rich = make_memories("Has a dog", "Has a dog named Bo")
    provided(merge, bare, memory_ids=[bare.pk, rich.pk])
    before = snapshot(bare, rich)
    act(restore, bare, memory_id=bare.pk)
    provided(undo, bare, decision_id=newest().pk)
    assert snapshot(bare, rich) == before


def test_undoing_takes_back_what_the_pipeline_and_its_batch_have_decided() -> None:
    conversation = make_conversation()
    say(conversation, "I have a dog.", "I live in Leeds.")
    work(conversation)
    stored = list(Memory.objects.order_by("pk"))
    before = snapshot(*stored)
    say(conversation, "I have a dog named Bo.", "I live in York now.", now=LATER)
    work(conversation, now=LATER)
    decided = [decision for decision in Decision.objects.order_by("-pk") if decision.effects]
    assert {decision.outcome for decision in decided} == {"merged", "superseded"}
    for decision in decided:
        provided(undo, stored[0], decision_id=decision.pk)
    assert snapshot(*stored) == before
    assert Memory.objects.active().count() == 4
    ask(conversation.workspace, "dedupe")
    run_due(conversation.workspace, now=LATER)
    assert Memory.objects.active().count() == 4  # what somebody has parted is not brought together again
    assert snapshot(*stored) == before


@pytest.mark.parametrize("seed", range(4))
def test_undoing_acts_from_the_last_to_the_first_brings_back_where_they_began(seed: int) -> None:
    dice = random.Random(seed)
    texts = ("Has a dog", "Has a dog named Bo", "Walks Bo daily", "Lives in Leeds", "Lives in Leeds and sails")
    memories = make_memories(*texts)
    before = snapshot(*memories)
    done: list[Decision] = []
    for turn in range(6):
        active = list(Memory.objects.active().order_by("pk"))
        retired = list(Memory.objects.filter(state__in=["merged", "superseded"], version__gt=1).order_by("pk"))
        if retired and dice.random() < 0.3:
            act(restore, memories[0], memory_id=dice.choice(retired).pk)
        elif len(active) > 2 and dice.random() < 0.6:
            chosen = dice.sample(active, 2)
            text = dice.choice([None, f"Merged in turn {turn}"])
            provided(merge, memories[0], memory_ids=[one.pk for one in chosen], into=chosen[0].pk, text=text)
        else:
            parts = [f"Part {part} of turn {turn}" for part in ("one", "two")]
            provided(split, memories[0], memory_id=dice.choice(active).pk, texts=parts)
        done.append(newest())
    with refused(ConflictError, "came later|says the same"):
        for decision in done:
            provided(undo, memories[0], decision_id=decision.pk)
    assert Decision.objects.exclude(undone_at=None).count() < len(done)
    for decision in reversed(done):
        if Decision.objects.get(pk=decision.pk).undone_at is None:
            provided(undo, memories[0], decision_id=decision.pk)
    assert snapshot(*memories) == before
    assert set(Memory.objects.active()) == set(memories)
