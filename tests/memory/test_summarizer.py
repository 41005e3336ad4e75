"""What the local summarizer keeps of a conversation."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from memory.providers.base import Said
from memory.providers.local.summarizer import LocalSummarizer
from memory.providers.local.tokens import estimate

AT = datetime(2026, 11, 21, tzinfo=UTC)
CHAT = (
    ("user", "Hi! I live in Ghent and my rent is 500 euros."),
    ("assistant", "Hello! How can I help you today with your move?"),
    ("user", "I'm allergic to peanuts. What should I cook for six people?"),
    ("assistant", "A pumpkin curry works well for six people. It takes forty minutes."),
)


def make_chat(*turns: tuple[str, str], recalled: bool = False) -> list[Said]:
    return [Said(role, content, AT, recalled=recalled) for role, content in turns]


def summarize(previous: str, messages: list[Said], budget_tokens: int = 200) -> str:
    return LocalSummarizer().summarize(previous, messages, budget_tokens=budget_tokens)


def test_facts_are_kept_with_their_speaker_in_order() -> None:
    summary = summarize("", make_chat(*CHAT), 40)
    assert summary.startswith("User: ")
    assert "I live in Ghent and my rent is 500 euros." in summary
    assert summary.index("rent is 500") < summary.index("allergic to peanuts")


def test_names_stand_instead_of_roles() -> None:
    assert (
        summarize("", [Said("user", "I live in Ghent with Tom.", AT, name="Mara")]) == "Mara: I live in Ghent with Tom."
    )


def test_nothing_new_leaves_the_summary_as_it_is() -> None:
    assert summarize("User: I live  in Ghent.", []) == "User: I live  in Ghent."


def test_recalled_texts_count_as_nothing_said() -> None:
    assert summarize("User: Before.", make_chat(*CHAT, recalled=True)) == "User: Before."


def test_the_previous_summary_survives_while_there_is_room() -> None:
    previous = summarize("", make_chat(*CHAT[:2]))
    summary = summarize(previous, make_chat(*CHAT[2:]))
    assert summary.startswith("User: I live in Ghent and my rent is 500 euros.")
    assert "allergic to peanuts" in summary


def test_a_long_conversation_is_summarized_to_its_end_and_keeps_its_facts() -> None:
    summary = ""
    for start in range(0, 200, 20):
        days = [("user", f"On day {day} we walked {day + 2} rounds in the park.") for day in range(start, start + 20)]
        opening = [] if start else [("user", "I'm allergic to peanuts.")]
        summary = summarize(summary, make_chat(*opening, *days))
    assert "allergic to peanuts" in summary
    assert "On day 19" in summary
    assert "On day 4 " not in summary


def test_what_is_said_again_is_kept_once() -> None:
    summary = summarize("User: I live in Ghent near Tom.", make_chat(("user", "I live in Ghent near Tom!")))
    assert summary.count("Ghent") == 1


def test_sentences_that_differ_in_a_number_are_both_kept() -> None:
    said = make_chat(("user", "My monthly rent in Ghent is 500 euros. My monthly rent in Ghent is 5000 euros."))
    summary = summarize("", said)
    assert "500 euros" in summary
    assert "5000 euros" in summary


def test_a_code_block_is_not_summarized() -> None:
    assert "def" not in summarize("", make_chat(("user", "I work at a bank in Ghent.\n```\ndef rent(): pass\n```")))


def test_a_budget_for_nothing_gives_nothing() -> None:
    assert summarize("", make_chat(*CHAT), 0) == ""
    assert estimate(summarize("User: Something long was said about Ghent.", [], 3)) <= 3


_TURNS = st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), st.text(max_size=120)), max_size=6)


@given(st.text(max_size=200), _TURNS, st.integers(0, 120))
def test_the_budget_holds_and_the_same_input_gives_the_same_summary(
    previous: str, turns: list[tuple[str, str]], budget_tokens: int
) -> None:
    messages = make_chat(*turns)
    summary = summarize(previous, messages, budget_tokens)
    assert estimate(summary) <= budget_tokens
    assert summary == summarize(previous, messages, budget_tokens)
