"""Which memories are grouped, and which are offered to people."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.dedupe.clusters import Cluster, cliques, clusters, possible, winner
from memory.dedupe.decide import Pair
from memory.dedupe.relate import Relation
from memory.errors import InvalidError
from memory.models import Memory
from memory.remember import keep_apart
from memory.tuning import Terms
from tests.make import NOW, make_memory, make_workspace


def pair(a: int, b: int) -> Pair:
    return frozenset((UUID(int=a), UUID(int=b)))


def make_scores(*pairs: tuple[int, int, float]) -> dict[Pair, float]:
    return {pair(a, b): score for a, b, score in pairs}


def grouped(scores: dict[Pair, float], pairs: list[Pair] | None = None) -> list[list[int]]:
    found = cliques(list(scores) if pairs is None else pairs, lambda a, b: scores.get(frozenset((a, b))))
    return [[id.int for id in ids] for ids in found]


def test_a_bridge_does_not_drag_strangers_together() -> None:
    assert grouped(make_scores((1, 2, 0.9), (2, 3, 0.95))) == [[2, 3]]
    assert grouped(make_scores((1, 2, 0.9), (2, 3, 0.95), (1, 3, 0.8))) == [[1, 2, 3]]
    assert grouped(make_scores((1, 2, 0.9), (3, 4, 0.9), (2, 3, 0.8))) == [[1, 2], [3, 4]]


@given(
    st.dictionaries(
        st.sampled_from([pair(a, b) for a, b in combinations(range(8), 2)]), st.sampled_from([0.7, 0.8, 0.9])
    ),
    st.randoms(use_true_random=False),
)
def test_all_of_a_cluster_join_pairwise_whatever_the_order_in_which_they_are_found(
    scores: dict[Pair, float], chance: random.Random
) -> None:
    shuffled = list(scores)
    chance.shuffle(shuffled)
    found = grouped(scores, shuffled)
    assert found == grouped(scores)
    assert all(pair(a, b) in scores for ids in found for a, b in combinations(ids, 2))
    assert len({id for ids in found for id in ids}) == sum(map(len, found))


def test_the_richest_stays_then_a_persons_own_then_the_oldest_then_the_smallest_id() -> None:
    ids = [UUID(int=number) for number in (1, 2, 3)]
    since = dict.fromkeys(ids, NOW)

    def poorer_is_first(a: UUID, b: UUID) -> Relation:
        return Relation.POORER if a == ids[0] else Relation.RICHER if b == ids[0] else Relation.SAME

    assert winner(ids, poorer_is_first, since=since, own={ids[0]}) == ids[1]
    assert winner(ids, poorer_is_first, since=since, own={ids[2]}) == ids[2]
    assert winner(ids, poorer_is_first, since=since | {ids[2]: NOW - timedelta(days=1)}) == ids[2]
    assert winner(ids[::-1], lambda a, b: Relation.SAME, since=since) == ids[0]


def make_three(workspace: object, user_id: str, dish: str) -> list[Memory]:
    texts = (f"Likes {dish} a lot", f"Really likes {dish}", f"Loves {dish}")
    return [make_memory(text, workspace=workspace, user_id=user_id) for text in texts]  # type: ignore[arg-type]


def told(found: list[Cluster]) -> list[tuple[str, set[str]]]:
    return [(cluster.user_id, set(cluster.texts.values())) for cluster in found]


@pytest.mark.django_db
def test_clusters_of_a_user_are_offered_with_texts_comparisons_and_the_one_that_would_stay() -> None:
    workspace = make_workspace()
    three = make_three(workspace, "mara", "ramen")
    make_memory("Is allergic to peanuts", workspace=workspace)
    cluster = clusters(workspace.pk, "mara", terms=Terms().dedupe, limit=100)[0]
    assert (cluster.winner, list(cluster.ids)) == (three[0].pk, sorted(memory.pk for memory in three))
    assert cluster.texts == {memory.pk: memory.text for memory in three}
    assert {found.relation for found in cluster.comparisons.values()} <= {
        Relation.SAME,
        Relation.RICHER,
        Relation.POORER,
    }
    assert len(cluster.comparisons) == 3
    assert possible(workspace.pk, user_id="mara", limit=10).clusters == [cluster]
    keep_apart(workspace_id=workspace.pk, memory_ids=cluster.ids, actor="ops", now=NOW)
    assert possible(workspace.pk, user_id="mara", limit=10).clusters == []


@pytest.mark.django_db
def test_pages_of_clusters_go_through_all_users_once_those_with_most_memories_first() -> None:
    workspace = make_workspace()
    for dish in ("ramen", "pizza"):
        make_three(workspace, "mara", dish)
    make_three(workspace, "jonas", "curry")
    make_memory(workspace=workspace, user_id="alone")
    make_three(make_workspace(), "mara", "ramen")
    pages, cursor = [], ""
    while True:
        page = possible(workspace.pk, limit=1, cursor=cursor)
        pages.append(told(page.clusters))
        cursor = page.cursor
        if not cursor:
            break
    offered = [one for page in pages for one in page]
    assert [user for user, _ in offered] == ["mara", "mara", "jonas"]
    assert all(len(page) <= 1 for page in pages)
    assert len({frozenset(texts) for _, texts in offered}) == 3


@pytest.mark.django_db
def test_a_cursor_that_no_page_had_is_refused() -> None:
    with pytest.raises(InvalidError, match="cursor"):
        possible(make_workspace().pk, limit=1, cursor="nonsense")
