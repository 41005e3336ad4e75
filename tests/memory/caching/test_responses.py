"""Answers of models: the same question exactly, or one that means the same; never one that differs in a fact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memory.caching import Cache, find_similar, keep_answer, responses
from memory.dedupe import guards
from memory.providers import configured
from tests.memory.caching.made import Clock, Road, counted, listen, make_cache, make_link

SPACE, MODEL = "w:user:mara", "local"


def vector(text: str) -> responses.Vector:
    found: responses.Vector = configured.embedder().embed([text])[0]
    return found


def differ(a: str, b: str) -> bool:
    return bool(guards.fired(a, b))


def keep(cache: Cache, question: str, answer: bytes = b"an answer", *, key: str = "", model: str = MODEL) -> None:
    key = key or question
    assert keep_answer(cache, SPACE, key, answer, question=question, vector=vector(question), model=model)


def find(cache: Cache, question: str, **options: Any) -> bytes | None:
    fields: dict[str, Any] = {"vector": vector(question), "model": MODEL, "veto": differ, "least": 0.8}
    similar = find_similar(cache, SPACE, question=question, **fields | options)
    return None if similar is None else similar.value


def test_a_question_that_means_the_same_gets_the_kept_answer() -> None:
    cache = make_cache()
    keep(cache, "Where is the office of my dentist?", b"On Mill Road.")
    keep(cache, "What is the best bread for toast?", b"Sourdough.")
    assert find(cache, "where is the office of my dentist") == b"On Mill Road."
    assert find(cache, "Who won the match?") is None
    assert counted(cache, "similar") == 1


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        ("What did I spend in 2023?", "What did I spend in 2024?"),
        ("Can I take 5 pills a day?", "Can I take 50 pills a day?"),
        ("What should I eat before a run?", "What should I not eat before a run?"),
        ("What is the capital of France?", "What is the capital of Spain?"),
        ("How far is it from Leeds to York?", "How far is it from York to Leeds?"),
    ],
)
def test_questions_that_differ_in_a_fact_never_share_an_answer(kept: str, asked: str) -> None:
    cache = make_cache()
    keep(cache, kept)
    assert find(cache, asked, least=0.0) is None
    assert find(cache, asked, least=0.0, veto=lambda a, b: False) == b"an answer", "the veto decides, not the distance"
    assert counted(cache, "vetoed") == 1


def test_a_vetoed_neighbour_does_not_hide_the_next() -> None:
    cache = make_cache()
    keep(cache, "Is my flight on 3 May in the morning?", b"wrong")
    keep(cache, "Are my flights of 4 May in the morning?", b"right")
    assert find(cache, "Is my flight on 4 May in the morning?") == b"right"


def test_answers_are_shared_neither_between_models_nor_between_users() -> None:
    cache = make_cache()
    keep(cache, "Where is my dentist?", model="other")
    assert find(cache, "Where is my dentist?") is None
    assert find_similar(
        cache, "w:user:tom", question="Where is my dentist?", vector=vector("Where is my dentist?"), model="other",
        veto=differ,
    ) is None  # fmt: skip


def test_a_forgotten_tagged_or_evicted_answer_is_not_found_by_its_meaning() -> None:
    clock = Clock()
    cache = make_cache(entries=2, clock=clock)
    for question in ("Where is my dentist?", "When is my lunch?", "What colour is my bike?"):
        clock.pass_s(1)
        keep(cache, question)
        find(cache, question)  # every process knows the vectors now
    assert find(cache, "Where is my dentist?") is None, "evicted"
    cache.forget(SPACE, "When is my lunch?")
    assert find(cache, "When is my lunch?") is None
    assert find(cache, "What colour is my bike?") == b"an answer"
    cache.forget_namespaces([SPACE])
    assert find(cache, "What colour is my bike?") is None


def test_vectors_are_read_again_only_when_they_have_changed() -> None:
    cache = make_cache()
    keep(cache, "Where is my dentist?")
    asked = listen(cache)
    for _ in range(3):
        find(cache, "Where is my dentist?")
    assert asked.count("HGETALL") == 1
    keep(cache, "When is my lunch?")
    find(cache, "Where is my dentist?")
    assert asked.count("HGETALL") == 2


def test_vectors_of_other_lengths_and_without_direction_are_left_alone() -> None:
    cache = make_cache()
    keep(cache, "Where is my dentist?")
    keep_answer(
        cache, SPACE, "short", b"1", question="Where is my dentist?", vector=np.ones(8, np.float32) / 8**0.5,
        model=MODEL,
    )  # fmt: skip
    keep_answer(cache, SPACE, "empty", b"2", question="", vector=np.zeros(256, np.float32), model=MODEL)
    assert find(cache, "Where is my dentist?") == b"an answer"
    assert find(cache, "", vector=np.zeros(256, np.float32), least=-1.0) is None
    assert find(cache, "x", vector=np.ones(9, np.float32) / 3, least=-1.0) is None
    assert cache.get(SPACE, "empty") == b"2"


def test_without_redis_there_is_no_similar_answer(road: Road) -> None:
    cache = make_cache(make_link(road.url))
    road.close()
    assert find(cache, "Where is my dentist?") is None
    assert counted(cache, "errors") == 1
