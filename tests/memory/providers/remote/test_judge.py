"""The judge over chat: what the model is shown of pairs of facts, and what of its answer is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from memory.providers.base import Judged, Judgement, ProviderBadAnswerError
from memory.providers.remote.prompted.judge import MOST_PAIRS, READ_CHARACTERS, ChatJudge
from memory.providers.simulator import Simulator
from tests.memory.providers.remote.made import Asked, Says, Scripted, make_chat, said

PAIR = ("Lives in Leeds", "Lives in Rome")


def judgement(id: int, relation: str = "same", why: str = "") -> dict[str, Any]:
    return {"id": id, "relation": relation, "why": why}


def judge(*answers: Any, pairs: list[tuple[str, str]]) -> tuple[list[Judgement | None], list[Asked]]:
    script = [said(one if isinstance(one, str) else json.dumps({"judgements": one})) for one in answers]
    with Scripted(*script) as server:
        return ChatJudge(make_chat(server.url)).judge(pairs), server.asked


def test_each_pair_gets_the_judgement_of_its_number() -> None:
    pairs = [PAIR, ("Has a cat", "Has a cat called Misha"), ("Runs 5 km", "Swims")]
    answer = [judgement(3, "apart"), judgement(1, " Conflict ", "Moved."), judgement(2, "richer")]
    found, (asked,) = judge(answer, pairs=pairs)
    assert found == [Judgement(Judged.CONFLICT, "Moved."), Judgement(Judged.RICHER), Judgement(Judged.APART)]
    shown = json.loads(asked.document["messages"][1]["content"])
    assert shown["pairs"][0] == {"id": 1, "older": "Lives in Leeds", "newer": "Lives in Rome"}
    assert asked.document["temperature"] == 0


def test_the_model_is_told_what_makes_two_facts_of_like_words() -> None:
    _, (asked,) = judge([judgement(1)], pairs=[PAIR])
    told = asked.document["messages"][0]["content"]
    assert all(word in told for word in ("number", "date", "negation", "person", "qualifier", "The newer one counts"))


def test_what_is_left_out_said_twice_or_too_long_stays_open() -> None:
    long = ("Likes tea", "x" * (READ_CHARACTERS + 1))
    answer = [judgement(1, "same"), judgement(1, "apart"), judgement(7)]
    found, (asked,) = judge(answer, pairs=[PAIR, long, PAIR])
    assert found == [None, None, None]
    assert len(json.loads(asked.document["messages"][1]["content"])["pairs"]) == 2


def test_many_pairs_go_in_several_calls_and_reasons_are_short() -> None:
    def answered(asked: Asked, _: object) -> Says:
        pairs = json.loads(asked.document["messages"][1]["content"])["pairs"]
        return said(json.dumps({"judgements": [judgement(pair["id"], "same", "y" * 900) for pair in pairs]}))

    with Scripted(answered) as server:
        found = ChatJudge(make_chat(server.url)).judge([PAIR] * (2 * MOST_PAIRS + 1))
    assert len(server.asked) == 3
    assert found == [Judgement(Judged.SAME, "y" * 200)] * (2 * MOST_PAIRS + 1)
    assert ChatJudge(make_chat("http://127.0.0.1:9")).judge([]) == []


@pytest.mark.parametrize("wrong", ["no json", [judgement(1, "perhaps")]])
def test_an_answer_of_another_shape_is_shown_back_once(wrong: Any) -> None:
    found, asked = judge(wrong, [judgement(1, "conflict")], pairs=[PAIR])
    assert found == [Judgement(Judged.CONFLICT)]
    assert len(asked) == 2
    with pytest.raises(ProviderBadAnswerError):
        judge(wrong, pairs=[PAIR])


@pytest.mark.parametrize(
    ("older", "newer", "relation"),
    [
        ("Lives in Leeds", "Lives in Rome", Judged.CONFLICT),
        ("Rent is 900 euros", "Rent is 950 euros", Judged.CONFLICT),
        ("Eats meat", "No longer eats meat", Judged.CONFLICT),
        ("Is allergic to nuts", "Is really allergic to nuts", Judged.SAME),
        ("Has a cat", "Has a cat named Misha", Judged.RICHER),
        ("Runs 5 km every Tuesday", "Runs 5 km", Judged.POORER),
        ("Collects old radios", "Plays the cello", Judged.APART),
    ],
)
def test_the_simulator_judges_by_rules(older: str, newer: str, relation: Judged) -> None:
    with Simulator() as simulator:
        (found,) = ChatJudge(make_chat(simulator.api_url)).judge([(older, newer)])
    assert found is not None
    assert (found.relation, bool(found.why)) == (relation, True)
