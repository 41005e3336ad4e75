"""How two facts relate: told in other words, with more detail, against each other, or of something else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.quality import dedupe as bench
from memory.dedupe.relate import MOST_CHARACTERS, Relation, mirrored, relate
from memory.tuning.terms import Dedupe

TERMS = Dedupe()
MERGED = {Relation.SAME, Relation.RICHER, Relation.POORER}


def relation(a: str, b: str) -> Relation:
    return relate(a, b, similarity=0.7, terms=TERMS).relation


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("I live in Leeds", "Leeds is where I live"),
        ("Lives in Leeds", "My home is in Leeds"),
        ("User lives in Leeds", "Is based in Leeds"),
        ("My rent is $1,450 a month", "Pays 1450 dollars per month in rent"),
        ("I run ten kilometres every Tuesday", "Runs 10 km on Tuesdays"),
        ("My birthday is on 3 May", "Was born on May 3rd"),
        ("I'm married to Ingrid", "My wife is called Ingrid"),
        ("The queue listens on port 5672", "Port 5672 is used by the queue"),
        ("My favourite film is Alien", "Alien is the film I like best"),
        ("I quit smoking", "No longer smokes"),
        ("Ruth hired Malik", "Malik was hired by Ruth"),
        ("Dora is taller than Emil", "Emil is shorter than Dora"),
        ("My table is two metres long", "My table is 200 cm long"),
        ("I prefer tea to coffee", "Given the choice between coffee and tea, I take tea"),
        ("Likes ramen very much", "Likes ramen"),
        ("Loves ramen quite a lot", "I like ramen a great deal"),
    ],
)
def test_one_fact_in_two_wordings_is_the_same(a: str, b: str) -> None:
    assert relation(a, b) is Relation.SAME


@pytest.mark.parametrize(
    ("poorer", "richer"),
    [
        ("I live in Leeds", "Lives in a small flat in Leeds with two cats"),
        ("I have a sister", "Has an older sister called Marta"),
        ("I work as a nurse", "I have been working as a nurse in a children's hospital since 2018"),
        ("My birthday is in May", "Was born on 3 May 1990"),
        ("I drive a Skoda", "I drive a blue Skoda Octavia from 2017"),
    ],
)
def test_the_fact_that_says_all_of_another_and_more_is_the_richer(poorer: str, richer: str) -> None:
    assert relation(poorer, richer) is Relation.POORER
    assert relation(richer, poorer) is Relation.RICHER


@pytest.mark.parametrize(
    ("a", "b", "guard"),
    [
        ("I live in Leeds", "I moved to York in March", "value"),
        ("Lives in Leeds", "I moved from Leeds to York", "negation"),
        ("My rent is 500 euros", "Rent went up to 550 euros", "number"),
        ("I weigh 70 kilos", "Weighs 70 pounds", "number"),
        ("Is allergic to latex", "I have no allergies", "negation"),
        ("I drive a Skoda", "Sold their Skoda", "negation"),
        ("I use Emacs", "Switched from Emacs to Helix", "negation"),
        ("I have a dog", "I have three dogs", "number"),
        ("My exam is in May", "Exam is in June", "date"),
        ("I like loud music", "I can't stand loud music", "antonym"),
        ("Prefers tabs to spaces", "I prefer spaces to tabs", "role"),
        ("Ruth hired Malik", "Malik hired Ruth", "role"),
        ("I shower before breakfast", "I shower after breakfast", "place"),
        ("My cat is called Miso", "Cat is called Olive", "value"),
        ("Is divorced now", "Is married to Tom", "value"),
        ("I'm engaged to Tom", "Tom and I got married", "value"),
        ("My husband is Tom", "Is widowed", "value"),
        ("I am separated", "I'm single", "value"),
        ("My wife is Simone", "My wife is Simon", "value"),
    ],
)
def test_a_contradiction_names_what_contradicts(a: str, b: str, guard: str) -> None:
    found = relate(a, b, similarity=0.9, terms=TERMS)
    assert found.relation is Relation.CONFLICT
    assert guard in {evidence.guard for evidence in found.guards}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("My rent is 500 euros", "My car insurance is 500 euros"),
        ("Postgres runs on port 5432", "Redis runs on port 6379"),
        ("I'm allergic to cats", "My mother is allergic to cats"),
        ("I speak Spanish", "I speak Dutch"),
        ("I have been to Kenya", "I have been to Norway"),
        ("I like chocolate", "I like chocolate cake"),
        ("I'm short", "My commute is short"),
        ("I'm a teacher", "I have a strict teacher"),
        ("I don't drink tea", "I don't drink"),
        ("My dog is called Rex", "My other dog is called Bella"),
        ("I left Siemens", "I bought a Siemens dishwasher"),
        ("I want to learn to sail", "I sail every weekend"),
        ("Likes bobi", "Likes gobi"),
        ("Is married", "Has a single room"),
        ("My friend Jan is a nurse", "My friend Jane is a nurse"),
    ],
)
def test_the_same_said_of_something_else_stays_apart(a: str, b: str) -> None:
    assert relation(a, b) is Relation.APART


def test_a_guess_beside_a_fact_is_a_question() -> None:
    assert relation("Might work at Siemens", "Works at Siemens") is Relation.UNSURE


def test_thresholds_decide_how_much_must_be_common() -> None:
    strict = Dedupe(same=1.0, unsure=1.0, conflict=1.0)
    pair = ("I live in Leeds with my big family", "I live in York near my old school")
    assert relate(*pair, similarity=0.9, terms=strict).relation is Relation.APART
    assert relate(*pair, similarity=0.9, terms=Dedupe(conflict=0.2)).relation is Relation.CONFLICT


def test_long_texts_are_the_same_only_where_they_are_equal() -> None:
    text = "I live in Leeds and " + "I like it there, " * (MOST_CHARACTERS // 16)
    assert relation(text, text + "!") is Relation.SAME
    assert relation(text, text + "truly") is Relation.APART


_WORDS = st.sampled_from(
    [
        *[
            "I",
            "we",
            "my",
            "user",
            "sister",
            "Anna",
            "Ben",
            "Leeds",
            "the",
            "a",
            "not",
            "never",
            "no longer",
            "used to",
        ],
        *[
            "lives",
            "live in",
            "is",
            "are",
            "was",
            "called",
            "moved from",
            "to",
            "over",
            "prefer",
            "5",
            "10",
            "km",
            "kg",
        ],
        *["on Monday", "in May", "at 6 pm", "red", "blue", "dog", "dogs", "but now", "might", "stopped", ",", "port"],
    ]
)
_SYLLABLES = st.sampled_from([f"{a}{b}" for a in ("b", "k", "l", "m", "r", "st", "z") for b in ("a", "i", "o", "ee")])
_NAMES = st.lists(_SYLLABLES, min_size=2, max_size=4).map("".join)
_FRAMES = (
    "Likes {}", "Has a friend named {}", "Works at {}", "Lives in {}", "Has a dog called {}", "Is allergic to {}",
    "Works on project {}", "Plays {}", "Reads {}", "Uses {}",
)  # fmt: skip


@given(_NAMES, _NAMES, st.booleans())
@settings(max_examples=40, deadline=None)
def test_what_differs_in_a_name_is_never_merged(one: str, other: str, capital: bool) -> None:
    names = [name.title() if capital else name for name in (one, other)]
    for frame in _FRAMES:
        found = relate(*map(frame.format, names), similarity=0.99, terms=TERMS)
        assert one == other or found.relation not in MERGED


_FACTS = st.lists(_WORDS, max_size=10).map(" ".join) | st.text(max_size=40)


@given(_FACTS, _FACTS, st.floats(0, 1))
@settings(max_examples=150, deadline=None)
def test_the_order_of_two_facts_changes_nothing(a: str, b: str, similarity: float) -> None:
    there = relate(a, b, similarity=similarity, terms=TERMS)
    assert mirrored(relate(b, a, similarity=similarity, terms=TERMS)) == there
    assert 0 <= there.score <= 1
    if there.relation in {Relation.CONFLICT, Relation.UNSURE}:
        assert there.guards


@given(_FACTS)
@settings(max_examples=50, deadline=None)
def test_a_fact_is_the_same_as_itself(a: str) -> None:
    assert relate(a, a, similarity=1.0, terms=TERMS).relation is Relation.SAME


@pytest.mark.parametrize(("name", "found"), [("dev", 0.9), ("own", 0.9), ("later", 0.75)])
@pytest.mark.parametrize("form", bench.FORMS)
def test_labelled_pairs_are_told_as_well_as_promised(name: str, found: float, form: str) -> None:
    if not bench.SETS[name].exists():
        pytest.skip(f"{bench.SETS[name].name} is not beside the checkout")
    row = bench.row(name, form)
    assert row.merged <= 0.01
    assert row.precision >= 0.99
    assert row.recall >= found
    assert row.flagged >= 0.85
    assert row.refined >= 0.85
    assert row.near <= 0.05
