from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import context
from memory.context import Known, Thread, Variant
from memory.context.fill import fill
from memory.context.style import ENHANCED, STYLES
from memory.errors import NotFoundError
from memory.models import Conversation, Kind
from memory.providers.base import ProviderTimeoutError
from memory.providers.local.tokens import estimate
from tests.make import NOW, make_conversation, make_memory, make_providers, make_tools, make_workspace, say, work

pytestmark = pytest.mark.django_db


class BrokenEmbedder:
    """A provider that does not answer."""

    model, dimensions = "broken", 256

    def embed(self, texts: object) -> np.ndarray:
        raise ProviderTimeoutError("no answer in 5 s")


def assemble(conversation: Conversation, **options: object) -> context.Context:
    defaults = {
        "workspace_id": conversation.workspace_id,
        "user_id": conversation.user_id,
        "conversation_id": conversation.pk,
        "providers": make_providers(),
        "now": NOW,
    }
    return context.assemble(**defaults | options)  # type: ignore[arg-type]


def test_a_posted_message_is_in_the_context_at_once() -> None:
    conversation = make_conversation()
    say(conversation, "Shall we plan the trip?")
    built = assemble(conversation)
    assert [(part.kind, part.text) for part in built.parts] == [("message", "user: Shall we plan the trip?")]
    assert built.text == "Recent messages:\nuser: Shall we plan the trip?"


def test_memories_that_matter_come_first_then_summary_then_messages() -> None:
    conversation = make_conversation(summary="User: planned a dinner.", summary_through=1, length=1)
    make_memory("Is allergic to peanuts", conversation.workspace)
    say(conversation, "What can I cook without peanuts?")
    built = assemble(conversation)
    assert [part.kind for part in built.parts] == ["memory", "summary", "message"]
    assert "- Is allergic to peanuts" in built.text


def test_a_pinned_memory_is_always_there() -> None:
    conversation = make_conversation()
    make_memory("Prefers short answers", conversation.workspace, pinned=True)
    say(conversation, "zzz qqq")
    assert "Prefers short answers" in assemble(conversation).text


def test_without_query_and_conversation_the_newest_memories_serve() -> None:
    memory = make_memory("Lives in Leeds")
    built = context.assemble(workspace_id=memory.workspace_id, user_id="mara", providers=make_providers(), now=NOW)
    assert [part.id for part in built.parts] == [memory.pk]


def test_messages_that_the_summary_covers_are_not_repeated() -> None:
    conversation = make_conversation()
    tools = make_tools(window_tokens=200, summary_tokens=60)
    for number in range(30):
        say(conversation, f"On day {number} I walked the dog along the canal and bought {number + 2} apples.")
        work(conversation, tools=tools)
    conversation.refresh_from_db()
    parts = assemble(conversation).parts
    assert any(part.kind == "summary" for part in parts)
    assert sum(part.kind == "message" for part in parts) == 30 - conversation.summary_through


def test_where_the_provider_does_not_answer_the_local_one_finds_and_the_context_says_so() -> None:
    conversation = make_conversation()
    make_memory("Is allergic to peanuts", conversation.workspace, embedding_model=BrokenEmbedder.model)
    make_memory("Runs 10 km every Tuesday", conversation.workspace)
    built = assemble(conversation, query="peanuts or jogging?", providers=make_providers(embedder=BrokenEmbedder()))
    assert built.degraded
    assert built.reasons == ["The embedding provider failed (ProviderTimeoutError): the local one served."]
    assert "Is allergic to peanuts" in built.text  # by its words
    assert "Runs 10 km every Tuesday" in built.text  # by its meaning


def test_another_users_conversation_is_not_found() -> None:
    conversation = make_conversation()
    with pytest.raises(NotFoundError):
        assemble(conversation, user_id="jonas")
    with pytest.raises(NotFoundError):
        assemble(conversation, workspace_id=make_workspace().pk)


def test_explain_says_what_was_considered_and_used() -> None:
    conversation = make_conversation()
    memory = make_memory("Is allergic to peanuts", conversation.workspace)
    explained = assemble(conversation, query="peanuts", explain=True).explain
    assert explained is not None
    assert explained["query"] == "peanuts"
    assert [(row["id"], row["text_rank"], row["used"]) for row in explained["memories"]] == [(memory.pk, 1, True)]  # type: ignore[attr-defined]


@settings(max_examples=60, deadline=None)
@given(
    budget=st.integers(1, 400),
    memories=st.lists(st.text(max_size=200), max_size=8, unique=True),
    messages=st.lists(st.text(min_size=1, max_size=400), max_size=8),
    summary=st.text(max_size=300),
    variant=st.sampled_from(list(Variant)),
)
def test_the_text_never_exceeds_the_budget(
    budget: int, memories: list[str], messages: list[str], summary: str, variant: Variant
) -> None:
    # pure: the rows are stood in for by values
    ids: list[Any] = list(range(len(memories) + len(messages) + 1))
    kinds = itertools.cycle(Kind)
    known = [Known(id, text, next(kinds), NOW) for id, text in zip(ids, memories, strict=False)]
    thread = Thread(ids[-1], summary, [(id, "user", "", text) for id, text in zip(ids, messages, strict=False)])
    parts, text = fill(known, thread, budget, STYLES[variant])
    assert estimate(text) <= budget
    told = [part.id for part in parts if part.kind == "memory"]
    assert len(told) == len(set(told))


def test_the_enhanced_context_says_how_to_use_it_and_groups_memories_with_dates() -> None:
    conversation = make_conversation(summary="User: planned a dinner.", summary_through=1, length=1)
    since: dict[str, Any] = {"workspace": conversation.workspace, "valid_from": datetime(2026, 3, 5, tzinfo=UTC)}
    make_memory("Prefers short answers about dinner", kind=Kind.PREFERENCE, **since)
    make_memory("Is allergic to peanuts at dinner", kind=Kind.HEALTH, **since)
    make_memory("Prefers dinner at eight", kind=Kind.PREFERENCE, workspace=conversation.workspace)
    say(conversation, "What is for dinner?")
    plain, enhanced = (assemble(conversation, variant=variant) for variant in Variant)
    assert (plain.variant, enhanced.variant) == ("plain", "enhanced")
    assert {part.id for part in enhanced.parts} == {part.id for part in plain.parts}
    blocks = enhanced.text.split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [ENHANCED.intro, *ENHANCED.headings.values()]
    lines = blocks[1].splitlines()[1:]
    liked = lines.index("What they like:")
    assert set(lines[liked + 1 : liked + 3]) == {
        "- Prefers short answers about dinner (since 5 March 2026)",
        "- Prefers dinner at eight",
    }
    assert lines[lines.index("Health:") + 1] == "- Is allergic to peanuts at dinner (since 5 March 2026)"
    assert blocks[3] == "## Recent messages\nuser: What is for dinner?"


def test_with_little_room_the_enhanced_context_leaves_its_instruction_away() -> None:
    conversation = make_conversation()
    say(conversation, "What is for dinner?")
    assert assemble(conversation, variant=Variant.ENHANCED, budget_tokens=40).text.startswith("## Recent messages")
