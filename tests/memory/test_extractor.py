"""What the local extractor remembers of a message, in which words, and what it leaves alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.providers.base import Fact, Said
from memory.providers.local.extractor import LocalExtractor

SATURDAY = datetime(2026, 11, 21, 10, tzinfo=UTC)


def make_said(
    content: str, *, role: str = "user", at: datetime = SATURDAY, name: str = "", recalled: bool = False
) -> Said:
    return Said(role, content, at, name, recalled)


def facts_of(content: str) -> list[Fact]:
    return LocalExtractor().extract(make_said(content))


def texts_of(content: str) -> list[str]:
    return [fact.text for fact in facts_of(content)]


@pytest.mark.parametrize(
    ("said", "fact"),
    [
        ("I run 10 km every Tuesday", "Runs 10 km every Tuesday"),
        ("I don't eat meat", "Does not eat meat"),
        ("I no longer eat meat", "No longer eats meat"),
        ("I'm allergic to peanuts.", "Is allergic to peanuts"),
        ("I've lived in Leeds since 2015", "Has lived in Leeds since 2015"),
        ("My partner Leo runs 10k", "Partner Leo runs 10k"),
        ("My rent is 500 euros", "Rent is 500 euros"),
        ("I used to live in Porto", "Used to live in Porto"),
        ("I might move", "Might move"),
        ("I love my dog Rex", "Loves their dog Rex"),
        ("we moved to Leeds", "They moved to Leeds"),
        ("my sister is vegetarian", "Sister is vegetarian"),
        ("Leo runs 10k", "Leo runs 10k"),
        ("I live in Leeds and work at a bank", "Lives in Leeds and works at a bank"),
        ("Farah and I are married", "Is married to Farah"),
        ("Since 2015 I've lived in Leeds", "Has lived in Leeds since 2015"),
        ("I weigh 70.5 kg", "Weighs 70.5 kg"),
        ("I can't eat gluten", "Cannot eat gluten"),
        ("I PAY $1500 PER MONTH IN RENT", "Pays $1500 per month in rent"),
    ],
)
def test_a_statement_becomes_a_fact_in_third_person(said: str, fact: str) -> None:
    assert texts_of(said) == [fact]


def test_an_aside_beside_a_question_is_found_with_its_place() -> None:
    content = "Can we move the call? I run my 10k every Tuesday before work, so after nine is fine"
    (fact,) = facts_of(content)
    assert fact.text == "Runs their 10k every Tuesday before work"
    assert content[fact.span[0] : fact.span[1]] == "I run my 10k every Tuesday before work"


def test_a_statement_before_a_question_in_one_sentence_is_found() -> None:
    assert texts_of("I'm vegetarian, so what can I eat here?") == ["Is vegetarian"]


@pytest.mark.parametrize(
    "said",
    [
        "I'm looking at the screen",
        "I just sent it",
        "I think that's fine",
        "I don't know",
        "I need help with this",
        "Do I live in Leeds?",
        "If I lived in Rome, I would eat pizza every day",
        "book me a table in Leeds",
        "Hello, how are you?",
        "Thanks so much, that was great!",
        "I love your painting",
        "```\nI live in Leeds\n```",
        "> I live in Leeds\n\ngood?",
        'She said "I live in Leeds" to everybody',
        "I prefer `tabs` over spaces",
        "My password is the name of my dog Rex",
        "",
        " \n\t ",
    ],
)
def test_what_is_of_the_moment_or_of_others_is_left_alone(said: str) -> None:
    assert facts_of(said) == []


def test_the_assistant_and_recalled_texts_are_never_remembered() -> None:
    extractor = LocalExtractor()
    assert extractor.extract(make_said("I live in Leeds", role="assistant")) == []
    assert extractor.extract(make_said("I live in Leeds", recalled=True)) == []
    assert len(extractor.extract(make_said("I live in Leeds", name="Mara"))) == 1


@pytest.mark.parametrize(
    "restated",
    [
        "I am allergic to peanuts",
        "I\u2019m allergic to peanuts!",
        "i'm allergic to peanuts",
        "Well, I'm allergic to peanuts...",
        "Actually, I'm allergic to peanuts",
        "As I said, I'm allergic to peanuts.",
        "btw I'm allergic to peanuts",
        "I'm allergic to peanuts, by the way",
        "Remember that I'm allergic to peanuts",
    ],
)
def test_a_restated_fact_gives_the_same_text(restated: str) -> None:
    assert texts_of(restated) == ["Is allergic to peanuts"]


@pytest.mark.parametrize(
    ("said", "fact"),
    [
        ("I'm flying to Rome next Friday", "Is flying to Rome on 2026-11-27"),
        ("I adopted a dog yesterday", "Adopted a dog on 2026-11-20"),
        ("I'm moving to Berlin next month", "Is moving to Berlin in December 2026"),
        ("I moved to Leeds two years ago", "Moved to Leeds in 2024"),
        ("I've lived in Leeds since last year", "Has lived in Leeds since 2025"),
    ],
)
def test_a_sure_relative_date_is_put_on_the_calendar(said: str, fact: str) -> None:
    assert texts_of(said) == [fact]


@pytest.mark.parametrize("said", ["I moved to Leeds last Friday", "I moved to Leeds a few weeks ago"])
def test_a_date_with_two_readings_stays_as_it_was_said(said: str) -> None:
    assert texts_of(said) == [said.replace("I moved", "Moved")]


def test_kinds_and_importance_follow_the_table() -> None:
    (health,) = facts_of("I'm allergic to peanuts")
    (hedged,) = facts_of("I might move")
    (named,) = facts_of("I live in Leeds")
    assert (health.kind, health.importance) == ("health", 0.9)
    assert hedged.importance < named.importance
    assert (named.kind, named.importance) == ("place", 0.8)


def test_a_message_gives_at_most_eight_facts_the_heaviest_in_order() -> None:
    content = " ".join(f"I like tea number {count}." for count in range(12)) + " I'm allergic to nuts."
    facts = facts_of(content)
    assert len(facts) == 8
    assert facts[-1].text == "Is allergic to nuts"
    assert [fact.span for fact in facts] == sorted(fact.span for fact in facts)


def test_abbreviations_and_decimals_do_not_end_a_sentence() -> None:
    assert texts_of("I run 5.5 km with Dr. Smith every Tuesday. I live in Leeds.") == [
        "Runs 5.5 km with Dr. Smith every Tuesday",
        "Lives in Leeds",
    ]


def test_list_items_and_lines_are_sentences_of_their_own() -> None:
    assert texts_of("- I live in Leeds\n- I work at a bank 🎉 I'm vegan too") == [
        "Lives in Leeds",
        "Works at a bank",
        "Is vegan",
    ]


_OPENINGS = st.sampled_from(
    ["I run", "I pay", "I've lived in Leeds for", "My rent is", "I weigh", "I don't run", "We run"]
)
_CLOSINGS = st.sampled_from([" km every week", " euros a month", " years", " kg", " miles on weekends, so be quick"])


@given(_OPENINGS, st.integers(0, 99_999), st.sampled_from(["", ".5", ",000", "k"]), _CLOSINGS)
def test_no_number_of_the_span_is_lost(opening: str, number: int, tail: str, closing: str) -> None:
    content = f"{opening} {number}{tail}{closing}"
    for fact in facts_of(content):
        assert set(re.findall(r"\d+", content[slice(*fact.span)])) <= set(re.findall(r"\d+", fact.text))


@given(st.text(max_size=300))
def test_any_text_is_read_without_error_and_twice_alike(content: str) -> None:
    first = facts_of(content)
    assert first == facts_of(content)
    assert all(0 <= fact.span[0] < fact.span[1] <= len(content) and 0 <= fact.importance <= 1 for fact in first)
