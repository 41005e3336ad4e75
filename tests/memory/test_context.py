from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import context
from memory.errors import NotFoundError
from memory.models import Conversation
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
)
def test_the_text_never_exceeds_the_budget(budget: int, memories: list[str], messages: list[str], summary: str) -> None:
    # pure: the rows are stood in for by values
    ids = list(range(len(memories) + len(messages) + 1))
    thread = context.Thread(ids[-1], summary, [(n, "user", "", text) for n, text in enumerate(messages)])  # type: ignore[arg-type, misc]
    parts = context._fill(dict(enumerate(memories)), thread, budget)  # type: ignore[arg-type]
    assert estimate(context.render(parts)) <= budget
