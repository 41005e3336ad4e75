from __future__ import annotations

import itertools
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import context
from memory.context import Known, Thread, Variant, served
from memory.context.filling import STYLES, fill
from memory.context.filling.style import ENHANCED
from memory.errors import NotFoundError
from memory.models import Conversation, Kind, Served
from memory.providers.base import ProviderTimeoutError
from memory.providers.local.embedder import tokenizer_and_vectors
from memory.providers.local.tokens import ESTIMATE, estimate
from memory.tuning import Terms
from tests.make import (
    NOW,
    make_conversation,
    make_memory,
    make_providers,
    make_terms,
    make_tools,
    make_workspace,
    say,
    with_window,
    work,
)

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


def test_what_is_pinned_comes_first_then_the_summary_then_memories_that_matter_then_messages() -> None:
    conversation = make_conversation(summary="User: planned a dinner.", summary_through=1, length=1)
    make_memory("Is allergic to peanuts", conversation.workspace)
    make_memory("Prefers short answers", conversation.workspace, pinned=True)
    say(conversation, "What can I cook without peanuts?")
    built = assemble(conversation)
    assert [(part.kind, part.text) for part in built.parts] == [
        ("memory", "- Prefers short answers"),
        ("summary", "User: planned a dinner."),
        ("memory", "- Is allergic to peanuts"),
        ("message", "user: What can I cook without peanuts?"),
    ]


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
    tools = make_tools(**with_window(200, 60))
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
    ids: list[Any] = [uuid.UUID(int=number) for number in range(len(memories) + len(messages) + 1)]
    kinds = itertools.cycle(Kind)
    known = [Known(id, text, next(kinds), NOW) for id, text in zip(ids, memories, strict=False)]
    ids = ids[len(memories) :]
    thread = Thread(ids[-1], summary, [(id, "user", "", text) for id, text in zip(ids, messages, strict=False)])
    filled = fill(known, thread, budget, STYLES[variant], terms=Terms(), counter=ESTIMATE)
    assert estimate(filled.text) == filled.tokens <= budget
    told = [part.id for part in filled.parts]
    assert len(told) == len(set(told))
    # each is told or left out with a reason
    assert {*told} | {left.id for left in filled.left} == {known.id for known in known} | {
        thread.id for _ in [0] if summary
    } | {id for id, *_ in thread.messages}


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
    headings = [heading for section, heading in ENHANCED.headings.items() if section != "pinned"]
    assert [block.splitlines()[0] for block in blocks] == [ENHANCED.intro, *headings]
    lines = blocks[2].splitlines()[1:]
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


def test_what_a_message_or_the_summary_says_already_is_not_told_as_a_memory() -> None:
    conversation = make_conversation(summary="User: I work at the harbour.", summary_through=1, length=1)
    for text in ("Is allergic to peanuts", "Works at the harbour", "Lives in Leeds", "Has a dog", "Owns a red boat"):
        make_memory(text, conversation.workspace)
    say(
        conversation,
        "My sister lives in Leeds with her cat.",  # of somebody else
        "Do I own a red boat?",  # a question says nothing
        "I'm allergic to peanuts, so no satay for me.",
        "I don't have a dog.",
    )
    told = {part.text for part in assemble(conversation).parts if part.kind == "memory"}
    assert told == {"- Lives in Leeds", "- Has a dog", "- Owns a red boat"}


def test_what_a_message_says_that_has_no_room_is_told_as_a_memory() -> None:
    conversation = make_conversation()
    make_memory("Is allergic to peanuts", conversation.workspace)
    say(conversation, "I'm allergic to peanuts.", *["We went along the river, then home again." for _ in range(9)])
    wide, narrow = (assemble(conversation, query="peanuts", budget_tokens=budget) for budget in (2000, 100))
    assert [part.kind for part in wide.parts] == ["message"] * 10
    assert narrow.parts[0].text == "- Is allergic to peanuts"
    assert "I'm allergic" not in narrow.text


def test_a_fact_that_replaced_another_says_since_when_and_what_held_before() -> None:
    workspace = make_conversation().workspace
    berlin = make_memory("Lives in Berlin", workspace, valid_from=datetime(2026, 5, 3, tzinfo=UTC))
    fields: dict[str, Any] = {"state": "superseded", "replaced_by": berlin}
    make_memory("Lives in Rome.", workspace, valid_to=datetime(2026, 1, 2, tzinfo=UTC), **fields)
    make_memory("Lives in Paris.", workspace, valid_to=datetime(2026, 5, 3, tzinfo=UTC), **fields)
    pinned = make_memory("Drinks tea", workspace, pinned=True)
    make_memory("Drinks coffee", workspace, state="superseded", replaced_by=pinned)
    ask: dict[str, Any] = {"user_id": "mara", "workspace_id": workspace.pk, "providers": make_providers(), "now": NOW}
    for variant in Variant:
        texts = [part.text for part in context.assemble(query="Where is home?", variant=variant, **ask).parts]
        assert texts == [
            "- Drinks tea (before: Drinks coffee)",
            "- Lives in Berlin (since 3 May 2026; before: Lives in Paris)",
        ]


def test_what_an_application_put_in_out_of_memory_is_told_as_it_is_now() -> None:
    conversation = make_conversation()
    make_memory("Lives in Berlin", conversation.workspace)
    say(conversation, "What is known: lives in Paris.", role="system", recalled=True)
    say(conversation, "Where do I live?")
    assert [part.text for part in assemble(conversation).parts] == ["- Lives in Berlin", "user: Where do I live?"]


def test_a_huge_message_is_shortened_and_those_before_it_stay() -> None:
    conversation = make_conversation()
    say(conversation, "First things first.", "word " * 6000)
    built = assemble(conversation, budget_tokens=400)
    assert [part.text[:12] for part in built.parts] == ["user: First ", "user: word w"]
    assert built.parts[1].text.endswith("… (shortened)")
    assert built.tokens <= 400


def test_the_budget_holds_by_the_tokenizer_of_the_model(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    tokenizer_and_vectors()[0].save(str(file))
    conversation = make_conversation()
    say(conversation, *["Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich." for _ in range(40)])
    with override_settings(HOLDFAST_TOKENIZER=str(file)):
        built = assemble(conversation, budget_tokens=300, explain=True)
    assert built.explain is not None
    assert built.explain["counter"] == {"name": "tokenizer.json", "is_exact": True}
    counted = len(tokenizer_and_vectors()[0].encode(built.text, add_special_tokens=False).ids)
    assert built.tokens == counted
    assert 270 < counted <= 300


def test_the_settings_say_how_much_is_told() -> None:
    conversation = make_conversation()
    for number in range(10):
        make_memory(f"Owns boat number {number}", conversation.workspace)
    terms = make_terms(context={"considered": 3, "budget_tokens": 100})
    built = assemble(conversation, query="boat", terms=terms, explain=True)
    assert built.explain is not None
    assert (built.explain["budget_tokens"], len(built.parts)) == (100, 3)


def test_what_is_told_is_counted_by_day_with_its_place() -> None:
    conversation = make_conversation()
    boat = make_memory("Owns a boat", conversation.workspace, pinned=True)
    dog = make_memory("Has a dog", conversation.workspace)
    gone = make_memory("Has a cat", conversation.workspace)
    served.write(now=NOW)
    first = assemble(conversation, query="boat and dog")
    gone.delete()
    again = context.as_json(assemble(conversation, query="boat and dog"))
    for _ in range(250):  # out of the cache, of which a sample is read
        served.again(again)
    assert served.write(now=NOW) == 3
    rows = {row.memory_id: row for row in Served.objects.all()}
    assert rows.keys() == {boat.pk, dog.pk}
    assert [part.id for part in first.parts[:2]] == [boat.pk, dog.pk]
    tokens = first.parts[0].tokens
    assert (rows[boat.pk].times, rows[boat.pk].ranks, rows[boat.pk].tokens) == (252, 252, 252 * tokens)
    assert (rows[dog.pk].day, rows[dog.pk].ranks, rows[dog.pk].of) == (NOW.date(), 504, 3 + 251 * 2)
    assert served.write(now=NOW) == 0
