"""What people say again and again, and what changes: through the pipeline, as it is installed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from memory.models import Conversation, Decision, Memory
from tests.make import NOW, make_conversation, say, work

pytestmark = pytest.mark.django_db

FIVE = {
    "home": ("I live in Lisbon.", "My home is in Lisbon.", "I'm based in Lisbon."),
    "allergy": ("I'm allergic to peanuts.", "I have a peanut allergy.", "I've got an allergy to peanuts."),
    "job": ("I work as a nurse.", "I'm a nurse.", "I'm working as a nurse."),
    "pet": ("I have a dog named Rex.", "My dog's name is Rex.", "My dog is called Rex."),
    "taste": ("My favourite colour is green.", "Green is my favourite colour.", "The colour I like best is green."),
}


def active(conversation: Conversation) -> list[str]:
    mine = Memory.objects.of(conversation.workspace_id, conversation.user_id)
    return list(mine.active().order_by("text").values_list("text", flat=True))


def history(conversation: Conversation) -> list[tuple[str, str, int, int | None]]:
    """Every memory with its state and the days from when and to when it held."""

    def day(at: object) -> int | None:
        return None if at is None else (at - NOW).days  # type: ignore[operator]

    rows = Memory.objects.of(conversation.workspace_id, conversation.user_id).order_by("valid_from", "id")
    return [(row.text, row.state, day(row.valid_from) or 0, day(row.valid_to)) for row in rows]


def tell(conversation: Conversation, *said: tuple[int, str]) -> None:
    """Each in a batch of its own, said so many days from now."""
    for day, content in said:
        say(conversation, content, said_at=NOW + timedelta(days=day))
        work(conversation, now=NOW + timedelta(days=max(day, 0)))


@pytest.mark.parametrize("batches", ["one", "fifteen"])
def test_five_facts_in_three_wordings_each_are_five_memories(batches: str) -> None:
    conversation = make_conversation()
    said = [wordings[turn] for turn in range(3) for wordings in FIVE.values()]
    if batches == "one":
        say(conversation, *said)
        work(conversation)
    else:
        tell(conversation, *enumerate(said))
    assert len(active(conversation)) == 5, active(conversation)
    assert Decision.objects.count() == 15


def test_an_update_and_a_return_leave_a_history_that_can_be_read() -> None:
    conversation = make_conversation()
    tell(conversation, (0, "I live in Paris."), (10, "I moved to Berlin."), (20, "I'm back in Paris."))
    told = history(conversation)
    assert [(state, start, end) for _, state, start, end in told] == [
        ("superseded", 0, 10),
        ("superseded", 10, 20),
        ("active", 20, None),
    ]
    assert ["Paris" in told[0][0], "Berlin" in told[1][0], "Paris" in told[2][0]] == [True, True, True]
    first, second, third = Memory.objects.order_by("valid_from")
    assert (first.replaced_by, second.replaced_by, third.replaced_by) == (second, third, None)


def test_the_same_in_one_batch_comes_to_the_same() -> None:
    conversation = make_conversation()
    for day, content in ((0, "I live in Paris."), (10, "I moved to Berlin."), (20, "I live in Paris.")):
        say(conversation, content, said_at=NOW + timedelta(days=day))
    work(conversation, now=NOW + timedelta(days=20))
    assert [line[1:] for line in history(conversation)] == [
        ("superseded", 0, 10),
        ("superseded", 10, 20),
        ("active", 20, None),
    ]


def test_what_is_told_late_takes_its_place_in_the_past() -> None:
    conversation = make_conversation()
    tell(conversation, (20, "I live in Berlin."), (0, "I live in Paris."))
    assert [line[1:] for line in history(conversation)] == [("superseded", 0, 20), ("active", 20, None)]


def test_a_contradiction_ends_what_was_said_before() -> None:
    conversation = make_conversation()
    tell(conversation, (0, "I love coriander."), (5, "I hate coriander."))
    assert [line[1:] for line in history(conversation)] == [("superseded", 0, 5), ("active", 5, None)]
