from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from memory import search
from memory.models import Memory, State, Tally, Workspace
from memory.search import Hit, Strategy, run
from memory.search.filters import parsed
from memory.search.plan import statistics
from memory.tuning import Terms
from tests.make import NOW, make_memory, make_providers, make_workspace

pytestmark = pytest.mark.django_db


def found(workspace: Workspace, query: str, **options: Any) -> search.Found:
    texts = search.texts_of(query, user_id="mara", now=NOW)
    defaults: dict[str, Any] = {
        "user_id": "mara", "embedded": make_providers().embed(texts), "now": NOW, "terms": Terms(),
    }  # fmt: skip
    return search.search(workspace_id=workspace.pk, query=query, **defaults | options)


def hits(workspace: Workspace, query: str, **options: Any) -> list[Hit]:
    return found(workspace, query, **options).hits


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    run.forget()
    statistics.forget()


@pytest.fixture
def workspace() -> Workspace:
    made = make_workspace()
    for text, kind in (
        ("Is allergic to peanuts", "health"),
        ("Runs 10 km every Tuesday", "habit"),
        ("Lives in Leeds", "place"),
    ):
        make_memory(text, made, kind=kind, metadata={"source": kind}, valid_from=NOW)
    return made


def test_the_best_hit_leads_both_rankings_and_scores_most_of_one(workspace: Workspace) -> None:
    hit = hits(workspace, "peanuts allergy")[0]
    assert hit.text == "Is allergic to peanuts"
    assert (hit.breakdown.vector_rank, hit.breakdown.text_rank) == (1, 1)
    assert hit.breakdown.fused == pytest.approx(1.0)
    assert hit.breakdown.boosts == {"importance": 1.05, "pinned": 1.0, "recency": 1.1}
    assert hit.score == pytest.approx(1.05 * 1.1 / 1.1**3)


def test_meaning_is_found_without_a_word_in_common(workspace: Workspace) -> None:
    assert hits(workspace, "jogging workout")[0].text == "Runs 10 km every Tuesday"


def test_words_alone_serve_without_a_vector(workspace: Workspace) -> None:
    (hit,) = hits(workspace, "where is Leeds", embedded=None)
    assert (hit.text, hit.breakdown.vector_rank) == ("Lives in Leeds", None)


def test_a_rare_word_counts_for_more_than_a_common_one(workspace: Workspace) -> None:
    for number in range(8):
        make_memory(f"Bought {number + 2} lamps", workspace)
    rare = make_memory("Bought an accordion", workspace)
    make_memory("Sold lamps and bought lamps", workspace)
    assert hits(workspace, "lamps accordion", embedded=None)[0].id == rare.pk


def test_a_memory_that_another_model_embedded_is_found_by_words_only(workspace: Workspace) -> None:
    make_memory("Goes jogging at dawn", workspace, embedding_model="another-model")
    ranks = {hit.text: hit.breakdown for hit in hits(workspace, "jogging workout")}
    assert ranks["Goes jogging at dawn"].vector_rank is None
    assert ranks["Goes jogging at dawn"].text_rank == 1
    assert ranks["Runs 10 km every Tuesday"].vector_rank == 1
    assert "Goes jogging at dawn" not in {hit.text for hit in hits(workspace, "running exercise")}


def test_only_active_unexpired_memories_of_the_user_are_found_unless_a_filter_asks(workspace: Workspace) -> None:
    old = make_memory("Has peanuts in stock", workspace, state=State.SUPERSEDED)
    gone = make_memory("Sells peanuts", workspace, expires_at=NOW - timedelta(seconds=1))
    make_memory("Roasts peanuts", workspace, user_id="jonas")
    make_memory("Grows peanuts", make_workspace())
    assert {hit.text for hit in hits(workspace, "peanuts")} == set(
        Memory.objects.of(workspace.pk, "mara").active().unexpired(NOW).values_list("text", flat=True)
    )
    (again,) = hits(workspace, "peanuts", filters=parsed({"state": "superseded"}))
    assert (again.id, again.state) == (old.pk, "superseded")
    expired = hits(workspace, "peanuts", filters=parsed({"expires_at": {"lt": NOW.isoformat()}}))
    assert [hit.id for hit in expired] == [gone.pk]


def test_boosts_lift_what_is_pinned_important_new_or_of_a_kind_within_their_bounds(workspace: Workspace) -> None:
    for old in (True, False):
        make_memory(f"Keeps {2 + old} boats", workspace, valid_from=NOW - timedelta(days=400 * old), pinned=old)
    by_text = {hit.text: hit.breakdown.boosts for hit in hits(workspace, "boats")}
    assert by_text["Keeps 3 boats"]["pinned"] == 1.1
    assert by_text["Keeps 3 boats"]["recency"] == pytest.approx(1.0, abs=1e-4)
    assert by_text["Keeps 2 boats"]["recency"] == 1.1
    terms = Terms.model_validate({"retrieval": {"kinds": {"place": -0.5, "habit": 0.2}}})
    place = next(hit for hit in hits(workspace, "Leeds", terms=terms) if hit.kind == "place")
    assert place.breakdown.boosts["kind"] == 0.5
    assert all(0 <= hit.score <= 1 for hit in hits(workspace, "Leeds boats", terms=terms))


def test_a_time_that_the_question_names_lifts_what_is_of_it(workspace: Workspace) -> None:
    for months in (3, 15, 27):
        make_memory(f"Went sailing {months}", workspace, valid_from=NOW - timedelta(days=30.4 * months))
    asked = found(workspace, "sailing last summer", explain=True)
    assert asked.hits[0].text == "Went sailing 3"
    assert asked.hits[0].breakdown.boosts["time"] == pytest.approx(1.3)
    assert "recency" not in asked.hits[0].breakdown.boosts
    assert asked.plan is not None
    assert asked.plan.rewrites == ('"last summer" is 2026-06-01 to 2026-09-01',)


def test_a_question_without_a_word_to_look_for_is_answered_with_the_newest_of_its_time(workspace: Workspace) -> None:
    make_memory("Started to paint", workspace, valid_from=NOW - timedelta(days=1))
    assert [hit.text for hit in hits(workspace, "what about the", limit=2)] == ["Started to paint", "Lives in Leeds"]
    assert [hit.text for hit in hits(workspace, "and what happened yesterday?")] == ["Started to paint"]


def test_the_users_own_name_does_not_pull_the_vector_away(workspace: Workspace) -> None:
    make_memory("Sister Sarah is a nurse", workspace)
    texts = search.texts_of("What sport does Mara do?", user_id="mara@example.org", now=NOW)
    assert texts == ["What sport does do?"]
    assert hits(workspace, "What sport does Mara do?")[0].text == "Runs 10 km every Tuesday"


def test_a_very_long_question_is_looked_for_in_parts(workspace: Workspace) -> None:
    talk = " ".join(f"The {word} was fine." for word in ("weather", "train", "meeting", "coffee", "film") * 16)
    query = f"{talk} Can I eat peanuts? {talk}"
    asked = found(workspace, query, explain=True)
    assert asked.plan is not None
    assert asked.plan.rewrites[0].endswith("parts")
    assert asked.hits[0].text == "Is allergic to peanuts"
    assert all(hit.score <= 1 for hit in asked.hits)


def test_a_small_scope_is_searched_in_one_round_trip(
    workspace: Workspace, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    embedded = make_providers().embed(["Leeds"])
    with django_assert_num_queries(1):
        hits(workspace, "Leeds", embedded=embedded)


def test_a_plan_tells_estimate_and_truth_costs_and_why(workspace: Workspace) -> None:
    plan = found(workspace, "peanuts", filters=parsed({"kind": "health"}), explain=True).plan
    assert plan is not None
    assert (plan.strategy, plan.scope_rows, plan.rows) == (Strategy.EXACT, 3, 1)
    assert plan.estimated_rows <= 3
    assert plan.costs["exact"]
    assert plan.costs["hnsw"] is None
    assert "the scope is not in it" in plan.why
    assert set(plan.ms) == {"rewrite", "plan", "exact", "fuse", "all"}
    assert list(plan.terms) == ["peanut"]


@pytest.fixture
def large(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The same memories, in the vector index, where reading a scope is never worth it."""
    Memory.objects.filter(workspace=workspace).update(in_large_scope=True)
    Tally.objects.filter(workspace_id=workspace.pk).update(is_large=True)
    monkeypatch.setattr("memory.search.find.DEPTH", 2)
    monkeypatch.setattr("memory.search.plan.costs.READ_US", 1e9)
    return workspace


@pytest.mark.parametrize("query", ["peanuts allergy", "jogging workout", "where in Leeds"])
def test_a_large_scope_is_searched_by_its_indexes_with_the_same_answer(large: Workspace, query: str) -> None:
    asked = found(large, query, explain=True, limit=1)
    assert asked.plan is not None
    assert (asked.plan.strategy, asked.plan.is_large) == (Strategy.HNSW, True)
    Tally.objects.update(is_large=False)
    assert hits(large, query)[0].text == asked.hits[0].text


def test_a_memory_that_is_added_to_a_large_scope_is_found_at_once(large: Workspace) -> None:
    added = make_memory("Plays the accordion", large)
    added.refresh_from_db()
    assert added.in_large_scope
    asked = found(large, "an accordion player", explain=True, limit=1)
    assert asked.plan is not None
    assert (asked.plan.strategy, asked.hits[0].id) == (Strategy.HNSW, added.pk)
    other = make_memory("Plays the accordion", large, user_id="jonas")
    other.refresh_from_db()
    assert not other.in_large_scope


def test_a_process_that_takes_a_scope_for_large_too_long_loses_nothing(large: Workspace) -> None:
    assert hits(large, "Leeds")
    Tally.objects.update(is_large=False)
    Memory.objects.update(in_large_scope=False)
    assert hits(large, "Leeds")[0].text == "Lives in Leeds"


def test_where_the_index_gives_too_few_the_whole_scope_is_read(large: Workspace) -> None:
    asked = found(large, "Leeds", filters=parsed({"kind": {"ne": "habit"}}), explain=True, limit=5)
    assert asked.plan is not None
    assert (asked.plan.strategy, len(asked.hits)) == (Strategy.EXACT, 2)
    assert asked.plan.why.endswith("so all were read.")


def test_without_a_vector_a_large_scope_is_searched_by_its_rarest_words(large: Workspace) -> None:
    asked = found(large, "where is Leeds", embedded=None, explain=True)
    assert asked.plan is not None
    assert asked.plan.strategy is Strategy.WORDS
    assert [hit.text for hit in asked.hits] == ["Lives in Leeds"]


def test_other_states_and_rare_filters_of_a_large_scope_are_not_left_to_the_vector_index(large: Workspace) -> None:
    asked = found(large, "Leeds", filters=parsed({"state": ["active", "merged"]}), explain=True)
    assert asked.plan is not None
    assert "active memories only" in asked.plan.why
    assert asked.hits[0].text == "Lives in Leeds"


@pytest.mark.parametrize(
    "query", ["", "'; DROP TABLE", "a & | ! b", "100%", "\\", "日本 旅行", "x" * 4000, "%s {where}"]
)
@pytest.mark.parametrize("is_large", [False, True])
def test_no_query_is_an_error(workspace: Workspace, query: str, is_large: bool) -> None:
    Memory.objects.update(in_large_scope=is_large)
    Tally.objects.update(is_large=is_large)
    assert len(hits(workspace, query)) <= 3
    assert len(hits(workspace, query, explain=True, limit=2)) <= 2
