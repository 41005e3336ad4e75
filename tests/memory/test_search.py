from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from memory.models import Memory, State, Workspace
from memory.search import Filters, Hit, search
from tests.make import NOW, make_memory, make_providers, make_workspace

pytestmark = pytest.mark.django_db


def find(workspace: Workspace, query: str, **options: Any) -> list[Hit]:
    defaults: dict[str, Any] = {"user_id": "mara", "embedded": make_providers().embed([query]), "now": NOW}
    return search(workspace_id=workspace.pk, query=query, **defaults | options)


@pytest.fixture
def workspace() -> Workspace:
    made = make_workspace()
    for text, kind in (
        ("Is allergic to peanuts", "health"),
        ("Runs 10 km every Tuesday", "habit"),
        ("Lives in Leeds", "place"),
    ):
        make_memory(text, made, kind=kind, metadata={"source": kind})
    return made


def test_the_best_hit_leads_both_rankings_and_scores_one(workspace: Workspace) -> None:
    hit = find(workspace, "peanuts allergy")[0]
    assert hit.text == "Is allergic to peanuts"
    assert (hit.why.vector_rank, hit.why.text_rank) == (1, 1)
    assert hit.score == pytest.approx(1.0)


def test_meaning_is_found_without_a_word_in_common(workspace: Workspace) -> None:
    assert find(workspace, "jogging workout")[0].text == "Runs 10 km every Tuesday"


def test_words_alone_serve_without_a_vector(workspace: Workspace) -> None:
    hits = find(workspace, "where is Leeds", embedded=None)
    assert [hit.text for hit in hits] == ["Lives in Leeds"]
    assert hits[0].why.vector_rank is None


def test_a_memory_that_another_model_embedded_is_found_by_words_only(workspace: Workspace) -> None:
    make_memory("Goes jogging at dawn", workspace, embedding_model="another-model")
    hits = find(workspace, "jogging workout")
    ranks = {hit.text: (hit.why.vector_rank, hit.why.text_rank) for hit in hits}
    assert ranks["Goes jogging at dawn"] == (None, 1)
    assert ranks["Runs 10 km every Tuesday"][0] == 1
    assert "Goes jogging at dawn" not in {hit.text for hit in find(workspace, "running exercise")}


def test_only_active_unexpired_memories_of_the_user_are_found(workspace: Workspace) -> None:
    make_memory("Has peanuts in stock", workspace, state=State.SUPERSEDED)
    make_memory("Sells peanuts", workspace, expires_at=NOW - timedelta(seconds=1))
    make_memory("Roasts peanuts", workspace, user_id="jonas")
    make_memory("Grows peanuts", make_workspace())
    assert {hit.text for hit in find(workspace, "peanuts")} == set(
        Memory.objects.of(workspace.pk, "mara").active().unexpired(NOW).values_list("text", flat=True)
    )


def test_filters_narrow_by_kind_and_metadata(workspace: Workspace) -> None:
    assert [hit.kind for hit in find(workspace, "peanuts", filters=Filters(kinds=["place"]))] == ["place"]
    found = find(workspace, "peanuts", filters=Filters(metadata='{"source": "habit"}'))
    assert [hit.kind for hit in found] == ["habit"]


def test_the_limit_holds_and_a_query_of_stop_words_finds_by_meaning(workspace: Workspace) -> None:
    assert len(find(workspace, "the and of", limit=2)) == 2


@pytest.mark.parametrize("query", ["", "'; DROP TABLE", "a & | ! b", "100%", "\\", "日本 旅行", "x" * 4000])
def test_no_query_is_an_error(workspace: Workspace, query: str) -> None:
    assert len(find(workspace, query)) <= 3
