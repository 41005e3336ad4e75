"""Which differences between two facts forbid merging them, and with what evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.dedupe.guards import GUARDS, Evidence, fired, number, polarity, words
from memory.dedupe.normalise import normalise, text_hash


@pytest.mark.parametrize(
    ("a", "b", "guard"),
    [
        ("Rent is 500 euros", "Rent is 5000 euros", "number"),
        ("Runs 10 km on Tuesdays", "Runs 5 km on Tuesdays", "number"),
        ("Weighs 70 kg", "Weighs 70 pounds", "number"),
        ("Gets up at 6 am", "Gets up at 6 pm", "number"),
        ("Was born on the 9th of May", "Was born on the 4th of May", "number"),
        ("Works from 9 to 5", "Works from 5 to 9", "number"),
        ("Lives in Leeds", "Has lived in Leeds since 2015", "number"),
        ("Is flying on Monday", "Is flying on Saturday", "date"),
        ("No longer eats meat", "Does not eat meat", "negation"),
        ("Eats meat", "Does not eat meat", "negation"),
        ("Smokes", "Quit smoking", "negation"),
        ("Lives in Porto", "Used to live in Porto", "negation"),
        ("Might move to Berlin", "Is moving to Berlin", "modality"),
        ("Sister is vegetarian", "Is vegetarian", "subject"),
        ("Leo runs marathons", "Runs marathons", "subject"),
        ("Is flying from Oslo to Berlin", "Is flying from Berlin to Oslo", "role"),
        ("Prefers tabs over spaces", "Prefers spaces over tabs", "role"),
        ("Anna introduced them to Ben", "Ben introduced them to Anna", "role"),
        ("Owns a red bike", "Owns a blue bike", "words"),
        ("Drives a white Volvo", "Drives a Volvo", "detail"),
    ],
)
def test_a_difference_fires_its_guard_from_both_sides(a: str, b: str, guard: str) -> None:
    assert guard in {evidence.guard for evidence in fired(a, b)}
    assert guard in {evidence.guard for evidence in fired(b, a)}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Runs ten kilometres every Tuesday", "Runs 10 km every Tuesday"),
        ("Runs 10k", "Runs 10 km"),
        ("Quit smoking", "No longer smokes"),
        ("Stopped eating candy", "Does not eat candy any more"),
        ("Lives in Leeds", "Is based in Leeds"),
        ("Has a cat named Misha", "Has a cat called Misha"),
        ("Earns 60k dollars a year", "Earns $60,000 a year"),
        ("Flies to Oslo on Monday", "On Monday flies to Oslo"),
    ],
)
def test_the_same_in_other_words_fires_nothing(a: str, b: str) -> None:
    assert fired(a, b) == ()


def test_evidence_names_the_deciding_words_of_each_side() -> None:
    assert number("Rent is 500 euros", "Rent is 5000 euros") == Evidence("number", ("500 eur",), ("5000 eur",))
    assert polarity("No longer eats meat", "Does not eat meat") == Evidence("negation", ("ended",), ("not",))
    assert words("Owns a red bike", "Owns a blue bike") == Evidence("words", ("red",), ("blu",))


_WORDS = st.sampled_from(
    [
        "runs",
        "not",
        "never",
        "no",
        "longer",
        "used",
        "to",
        "5",
        "10",
        "km",
        "kg",
        "monday",
        "friday",
        "anna",
        "ben",
        "from",
        "to",
        "over",
        "red",
        "blue",
        "sister",
        "eats",
        "meat",
        "might",
        "will",
        "lives",
        "stopped",
        "the",
        "a",
        "9",
        "am",
        "pm",
    ]
)
_FACTS = st.lists(_WORDS, max_size=9).map(" ".join) | st.text(max_size=40)


@given(_FACTS, _FACTS)
def test_every_guard_is_symmetric(a: str, b: str) -> None:
    for guard in GUARDS:
        there, back = guard(a, b), guard(b, a)
        assert (there is None) == (back is None)
        if there is not None and back is not None:
            assert (there.a, there.b) == (back.b, back.a)


@given(_FACTS)
def test_no_guard_objects_to_a_text_and_itself(a: str) -> None:
    assert fired(a, a) == ()


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Runs ten kilometres", "runs 10 km."),
        ("Rent is $1,500", "rent is 1500 dollars"),
        ("Doesn't eat meat", "Does not eat meat!"),
        ("Was born on the 9th of May", "Was born on May 9"),
        ("Favourite colour is grey", "favorite color is gray"),
        ("Gets up at 6 a.m.", "gets up at 6am"),
        ("Has twenty-one cats", "Has 21 cats"),
    ],
)
def test_spellings_of_one_fact_have_one_hash(a: str, b: str) -> None:
    assert text_hash(a) == text_hash(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Likes C++", "Likes C#"),
        ("Likes 🍎", "Likes 🍌"),
        ("Pays ¥500", "Pays $500"),
        ("It is -5 degrees", "It is 5 degrees"),
        ("Weighs 1.5 kg", "Weighs 15 kg"),
        ("Earns 5k euros", "Runs 5k"),
        ("Is 5k short", "Is 5000 short"),
        ("Likes the one", "Likes the 1"),
    ],
)
def test_different_facts_have_different_hashes(a: str, b: str) -> None:
    assert text_hash(a) != text_hash(b)


def test_a_hash_is_32_hex_digits() -> None:
    assert len(text_hash("Lives in Leeds")) == 32
    assert int(text_hash(""), 16) >= 0


@given(_FACTS)
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
