from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.search.rewrite import LONG, PARTS, nameless, rewrite
from memory.search.times import spans
from tests.make import NOW  # a Thursday: 2026-11-12


@pytest.mark.parametrize(
    ("said", "first", "end", "words"),
    [
        ("yesterday", "2026-11-11", "2026-11-12", "2026-11-11 11 November 2026"),
        ("the day before yesterday", "2026-11-10", "2026-11-11", "2026-11-10 10 November 2026"),
        ("two weeks ago", "2026-10-26", "2026-11-02", ""),
        ("a couple of months ago", "2026-09-01", "2026-10-01", "September 2026"),
        ("3 years ago", "2023-01-01", "2024-01-01", "2023"),
        ("10 days ago", "2026-11-02", "2026-11-03", "2026-11-02 2 November 2026"),
        ("in May 2025", "2025-05-01", "2025-06-01", "May 2025"),
        ("in May", "2026-05-01", "2026-06-01", "May 2026"),
        ("in December", "2025-12-01", "2026-01-01", "December 2025"),
        ("last November", "2025-11-01", "2025-12-01", "November 2025"),
        ("on 14 May 2025", "2025-05-14", "2025-05-15", "2025-05-14 14 May 2025"),
        ("May 3rd", "2026-05-03", "2026-05-04", "2026-05-03 3 May 2026"),
        ("on 2024-02-29", "2024-02-29", "2024-03-01", "2024-02-29 29 February 2024"),
        ("in 2024", "2024-01-01", "2025-01-01", "2024"),
        ("last summer", "2026-06-01", "2026-09-01", "summer 2026"),
        ("last autumn", "2025-09-01", "2025-12-01", "autumn 2025"),
        ("last winter", "2025-12-01", "2026-03-01", "winter 2025"),
        ("in the spring of 2021", "2021-03-01", "2021-06-01", "spring 2021"),
        ("last week", "2026-11-02", "2026-11-09", ""),
        ("last weekend", "2026-11-07", "2026-11-09", ""),
        ("last month", "2026-10-01", "2026-11-01", "October 2026"),
        ("next year", "2027-01-01", "2028-01-01", "2027"),
        ("last Friday", "2026-11-06", "2026-11-07", "2026-11-06 6 November 2026"),
        ("in the last two weeks", "2026-10-29", "2026-11-13", ""),
        ("over the past month", "2026-10-13", "2026-11-13", ""),
        ("recently", "2026-10-13", "2026-11-13", ""),
    ],
)
def test_a_time_becomes_a_span_of_the_calendar(said: str, first: str, end: str, words: str) -> None:
    (span,) = spans(f"What did she paint {said}?", NOW)
    assert (span.first.date().isoformat(), span.end.date().isoformat(), span.words) == (first, end, words)


@pytest.mark.parametrize("text", ["May I go?", "He will march on", "the second floor", "fall asleep", "31 apples", ""])
def test_what_is_no_time_is_none(text: str) -> None:
    assert spans(text, NOW) == []


@given(st.text(max_size=80), st.integers(-4000, 4000))
def test_spans_are_in_order_bounded_and_not_empty(text: str, days: int) -> None:
    found = spans(f"{text} last winter and in 1999, 30 Feb, 31 Apr 2020 two years ago", NOW + timedelta(days=days))
    assert len(found) <= 3
    assert all(span.first < span.end for span in found)


def test_the_words_of_a_time_are_replaced_by_what_a_memory_would_say() -> None:
    (part,) = rewrite("What did Jonas paint last summer?", now=NOW).parts
    assert part.words == "What did Jonas paint ? summer 2026"
    assert "last" not in part.text


@pytest.mark.parametrize("query", ["", "  ", "what is this about?", "What do you know about me?", "?!", "yesterday"])
def test_a_question_without_a_word_to_look_for_has_no_parts(query: str) -> None:
    assert rewrite(query, now=NOW).parts == ()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("What does Mara like to eat?", "What does like to eat?"),
        ("what does mara like to eat?", "what does like to eat?"),
        ("Is Jonas Weber allergic to nuts?", "Is allergic to nuts?"),
        ("Mara's favourite colour", "favourite colour"),
        ("What's her favourite colour?", "What's her favourite colour?"),
        ("Where did we meet Sarah?", "Where did we meet Sarah?"),
        ("Mara", "Mara"),
        ("Did it rain in Leeds?", "Did it rain in Leeds?"),
    ],
)
def test_names_that_stand_for_the_user_are_not_embedded(text: str, left: str) -> None:
    assert nameless(text, "mara.j@example.org") == left


@given(st.lists(st.sampled_from(["boat", "red.", "the", "Leeds\n", "why?", "x" * 30]), max_size=600))
def test_a_long_question_keeps_its_words_in_a_bounded_number_of_parts(words: list[str]) -> None:
    query = " ".join(words)
    parts = rewrite(query, now=NOW).parts
    assert len(parts) <= PARTS
    if 0 < len(words) <= LONG and parts:
        assert [part.words for part in parts] == [query.strip()]
    if "boat" in words:
        assert sum(part.words.split().count("boat") for part in parts) == words.count("boat")
