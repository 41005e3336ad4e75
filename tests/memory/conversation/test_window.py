"""The window and the rolling summary: every message is in one of the two, however they come in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory import tuning
from memory.conversation import summarize
from memory.conversation.queue import queue
from memory.models import Conversation, Message
from memory.providers.base import Said
from memory.providers.local.tokens import estimate
from memory.tuning.terms import Window as Limits
from tests.make import NOW, make_conversation, make_providers, make_terms, make_tools, say, with_window, work
from tests.memory.work.doubles import run_due

pytestmark = pytest.mark.django_db


class Listening:
    """A summarizer that notes which messages it was given."""

    name = "listening"

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.calls: list[int] = []

    def summarize(self, previous: str, messages: list[Said], *, budget_tokens: int) -> str:
        self.heard += [message.content for message in messages]
        self.calls.append(len(messages))
        return "so far"


def window(conversation: Conversation) -> list[str]:
    """What the summary does not cover, in order."""
    conversation.refresh_from_db()
    rows = Message.objects.filter(conversation=conversation, position__gt=conversation.summary_through)
    return list(rows.order_by("position").values_list("content", flat=True))


def fold(conversation: Conversation, listening: Listening, limits: Limits) -> int:
    """Fold what is full, as one batch does; how many folds."""
    windows = summarize.full_windows({conversation.pk: limits})
    folds = [summarize.folded(each, make_providers(summarizer=listening), limits)[0] for each in windows]
    assert summarize.write(folds, now=NOW) == {fold.conversation_id for fold in folds}
    return len(folds)


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(
    batches=st.lists(
        st.lists(st.sampled_from([1, 3, 20, 80, 400, 3000]), min_size=1, max_size=40), min_size=1, max_size=6
    ),
    tokens=st.sampled_from([200, 400, 2000]),
    keep=st.sampled_from([0.0, 0.2, 0.4]),
)
def test_every_message_is_folded_once_and_in_order_or_is_in_the_window(
    batches: list[list[int]], tokens: int, keep: float
) -> None:
    conversation, listening = make_conversation(), Listening()
    limits = Limits(tokens=tokens, keep=keep)
    sent: list[str] = []
    for batch in batches:
        contents = [f"{len(sent) + place} {'word ' * words}" for place, words in enumerate(batch)]
        say(conversation, *contents)
        sent += contents
        while fold(conversation, listening, limits):
            assert listening.heard + window(conversation) == sent
        assert listening.heard + window(conversation) == sent
        rest = window(conversation)
        assert rest, "the newest message stays"
        assert len(rest) == 1 or sum(map(estimate, rest)) <= limits.fold_above * tokens
    assert max(listening.calls, default=0) <= summarize.CHUNK_MESSAGES


def test_thousands_of_messages_at_once_are_folded_slice_by_slice_in_bounded_calls() -> None:
    conversation, listening = make_conversation(), Listening()
    tools: dict[str, Any] = {"providers": make_providers(summarizer=listening)}
    sent = [f"Entry {number}." for number in range(1000)]
    say(conversation, *sent)
    work(conversation, tools=make_tools(**tools))
    assert listening.heard + window(conversation) == sent
    assert len(listening.heard) == summarize.CHUNKS * summarize.CHUNK_MESSAGES
    # the rest is a job's, which goes on until the window is no longer full
    ran = run_due(conversation.workspace, now=NOW + timedelta(minutes=1))
    assert ran.count("fold_window") >= 1
    rest = window(conversation)
    assert sent[-len(rest) :] == rest
    assert len(rest) <= summarize.MESSAGES * 0.7
    assert conversation.summary_through == len(sent) - len(rest)


def test_tiny_messages_fill_the_window_by_their_number() -> None:
    conversation, listening = make_conversation(), Listening()
    limits = Limits(tokens=200_000)
    say(conversation, *["ok"] * 351)
    assert fold(conversation, listening, limits) == 1
    assert len(window(conversation)) == summarize.MESSAGES * limits.keep


def test_of_two_folds_at_once_one_is_taken_and_nothing_is_lost() -> None:
    conversation = make_conversation()
    limits = Limits(tokens=200)
    sent = [f"On day {number} I bought {number + 2} apples in town." for number in range(40)]
    say(conversation, *sent[:30])
    [early] = summarize.full_windows({conversation.pk: limits})
    say(conversation, *sent[30:])
    [late] = summarize.full_windows({conversation.pk: limits})
    folds = [summarize.folded(each, make_providers(), limits)[0] for each in (late, early)]
    assert summarize.write(folds[:1], now=NOW) == {conversation.pk}
    assert summarize.write(folds[1:], now=NOW) == set()
    assert window(conversation) == sent[late.through :]
    assert (conversation.summary_version, conversation.summary_through) == (1, late.through)


def test_a_workspace_sets_its_own_window() -> None:
    conversation = make_conversation()
    tuning.change(
        workspace_id=conversation.workspace_id,
        terms={"window": {"tokens": 200, "summary_tokens": 60}},
        actor="tests",
        now=timezone.now(),
    )
    tuning.forget()
    say(conversation, *[f"On day {number} I bought {number + 2} apples in town." for number in range(30)])
    work(conversation, tools=make_tools(terms=tuning.current))
    assert window(conversation)[0] != "On day 0 I bought 2 apples in town."
    assert 0 < estimate(conversation.summary) <= 60


def test_the_queue_says_how_full_it_is_and_how_much_is_left(django_assert_num_queries: Any) -> None:
    conversation = make_conversation()
    limits = make_terms(window={"tokens": 400}).window
    with django_assert_num_queries(1):
        empty = queue(conversation.pk, limits, estimate)
    assert empty is not None
    assert (empty.state, empty.used, empty.until_fold, empty.tokens_until_fold) == ("empty", 0, 1, 280)
    say(conversation, *[f"On day {number} I bought {number + 2} apples in town." for number in range(10)])
    filling = queue(conversation.pk, limits, estimate)
    assert filling is not None
    assert filling.state == "filling"
    assert filling.used == round(filling.tokens / 400, 4)
    assert filling.until_fold == round(1 - filling.used / 0.7, 4)
    say(conversation, "word " * 300)
    due = queue(conversation.pk, limits, estimate)
    assert due is not None
    assert (due.state, due.until_fold, due.tokens_until_fold) == ("due", 0, 0)
    work(conversation, tools=make_tools(**with_window(400, 80)))
    after = queue(conversation.pk, limits, estimate)
    assert after is not None
    assert (after.summary_version, after.messages) == (1, 1)
    assert 0 < after.summary_tokens <= 80
