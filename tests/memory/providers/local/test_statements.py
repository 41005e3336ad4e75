"""The local extractor on labelled messages of many styles, and on what others get wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.providers.base import Said
from memory.providers.local.extractor import MOST_FACTS, LocalExtractor
from memory.providers.local.statements.hearing.own_words import own_words
from memory.providers.local.statements.hearing.stated import Statements
from tests.memory.providers.local.score import AT, score


def texts_of(content: str, at: datetime = AT) -> list[str]:
    return [fact.text for fact in LocalExtractor().extract(Said("user", content, at))]


def test_the_labelled_messages_give_their_facts_and_no_other() -> None:
    result = score()
    assert result.invented == []
    assert result.precision >= 0.99, result.wrong
    assert result.recall >= 0.96, result.wrong
    assert result.kinds / result.found >= 0.93


@pytest.mark.parametrize(
    "recalled",
    [
        "What is known about the user:\n- My cat is called Tom\n- I live in Leeds\n\n",
        "## What is known about the user\nPlaces:\n- I live in Leeds (since 4 May 2026)\n\n",
        "The conversation so far:\nI live in Leeds and I work at a bank.\n\n",
        "Recent messages:\nuser: I live in Leeds\nassistant: I love Leeds!\n\n",
        "<user_memories>\n- I live in Leeds\n\n- I work at a bank\n</user_memories>\n",
        "**Relevant memories:**\n- I live in Leeds\n- I work at a bank\n\n",
        "User profile:\nI live in Leeds\n\n",
    ],
)
def test_what_memory_told_is_not_remembered_again(recalled: str) -> None:
    assert texts_of(recalled) == []
    assert texts_of(f"{recalled}By the way, I'm allergic to nuts.") == ["Is allergic to nuts"]


@pytest.mark.parametrize(
    "pasted",
    [
        "$ I have 3 cats in Leeds",
        "2026-11-21T10:00:00Z I live in Leeds",
        "[INFO] My cat is called Tom",
        "assistant: I live in Leeds\n",
        "    x = my_cat(name='Tom'); I live in Leeds",
        "Dear Sir,\n\nI live in Leeds and own a dog.",
        "Proofread this:\n\nI live in Leeds.\n\nI own a dog.",
        "Ana has 5 apples. I have 3 apples. How many are left?",
        "Let's say I'm a doctor. I live in Leeds.",
    ],
)
def test_pastes_letters_riddles_and_roles_say_nothing_about_the_user(pasted: str) -> None:
    assert texts_of(pasted) == []


def test_pronouns_get_the_name_that_was_said_before() -> None:
    assert texts_of("My sister is a nurse. She lives in Turin. Her daughter is called Mia.") == [
        "Sister is a nurse",
        "Sister lives in Turin",
        "Sister's daughter is called Mia",
    ]
    assert texts_of("Tom is my brother, he lives in Oslo") == ["Tom is their brother", "Brother Tom lives in Oslo"]
    # a sister is no "he", and after "the weather" nobody knows
    assert texts_of("My sister is a nurse. He lives in Turin.") == ["Sister is a nurse"]
    assert texts_of("My sister is a nurse. The star sings on. She lives in Turin.") == ["Sister is a nurse"]


@pytest.mark.parametrize(
    ("said", "fact"),
    [
        ("I've moved to Berlin", "Has moved to Berlin"),
        ("I'm back in Paris", "Is back in Paris"),
        ("I now live in Rome", "Now lives in Rome"),
        ("I work at Nokia now", "Works at Nokia now"),
        ("I left Siemens", "Left Siemens"),
        ("I no longer eat meat", "No longer eats meat"),
        ("I used to smoke a pipe", "Used to smoke a pipe"),
        ("I sold my car", "Sold their car"),
    ],
)
def test_what_changed_stays_to_be_seen(said: str, fact: str) -> None:
    assert texts_of(said) == [fact]


@pytest.mark.parametrize(
    ("said", "month", "fact"),
    [
        ("I'm moving to Bonn in three weeks", 11, "Is moving to Bonn in the week of 2026-12-07"),
        ("I'm moving to Bonn in 10 days", 11, "Is moving to Bonn on 2026-12-01"),
        ("I've worked at a bank since March", 11, "Has worked at a bank since March 2026"),
        ("I've worked at a bank since December", 11, "Has worked at a bank since December 2025"),
        ("I moved to Bonn last summer", 11, "Moved to Bonn in summer 2026"),
        ("I moved to Bonn last summer", 5, "Moved to Bonn in summer 2025"),
        ("I moved to Bonn last winter", 11, "Moved to Bonn in winter 2025/26"),
        ("I'm moving to Bonn next March", 11, "Is moving to Bonn in March 2027"),
        ("I'm flying to Bonn on Monday", 11, "Is flying to Bonn on 2026-11-23"),
        ("I broke my leg on Monday", 11, "Broke their leg on 2026-11-16"),
        ("I swim on Mondays", 11, "Swims on Mondays"),
        ("I have a flight to Bonn tomorrow at 5", 11, "Has a flight to Bonn on 2026-11-22 at 5"),
        ("I walked 90 km in two weeks", 11, "Walked 90 km in two weeks"),
    ],
)
def test_times_are_put_on_the_calendar_by_the_tense_they_stand_in(said: str, month: int, fact: str) -> None:
    assert texts_of(said, AT.replace(month=month)) == [fact]


def test_a_question_that_asks_to_remember_states_what_it_says() -> None:
    assert texts_of("Could you keep in mind that I don't eat pork?") == ["Does not eat pork"]
    assert texts_of("What can I cook for my wife, who is allergic to nuts?") == ["Wife is allergic to nuts"]


def test_words_are_held_by_a_message_only_where_its_author_states_them() -> None:
    content = 'I live in Rome. ```\nI live in Bonn\n``` Do I live in Oslo? She says "I live in Cork now". I use `vim`.'
    statements = Statements(content)

    def holds(words: str) -> bool:
        return statements.holds((content.index(words), content.index(words) + len(words)))

    held = [words for words in ("I live in Rome", "I use `vim`", "I live in Bonn", "I live in Oslo", "live in Cork now")
            if holds(words)]  # fmt: skip
    assert held == ["I live in Rome", "I use `vim`"]


_HOSTILE = st.lists(
    st.sampled_from(
        ["I have a ", "my ", "who ", ", who is ", "story: ", "facts about ", "user: ", "\n", " ", "> ", "```",
         "<memory>", '"', "how many ", "on Monday ", "haha ", ". ", "? ", "    ", "{;", "Aa, my wife, "]
    ),
    min_size=1,
    max_size=4,
)  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(_HOSTILE)
def test_hostile_messages_are_read_to_a_bound(parts: list[str]) -> None:
    unit = "".join(parts)
    content = (unit * (8_000 // len(unit) + 1))[:8_000]
    assert len(own_words(content)) == len(content)
    assert len(LocalExtractor().extract(Said("user", content, datetime(2026, 1, 1, tzinfo=UTC)))) <= MOST_FACTS
