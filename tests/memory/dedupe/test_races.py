"""Two workers at once, and what is written without the lock: nothing twice, nothing lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Count

from memory.dedupe.stored.candidates import Owner, Vectors
from memory.models import Cause, Decision, Memory, Workspace
from memory.providers.local.statements.verbs import words_of
from memory.remember import Statement, remember
from memory.tuning import Terms
from tests.make import NOW, make_conversation, make_memory, make_providers, make_workspace, say

DISHES = words_of(
    """
    ramen pizza curry paella goulash tacos borscht falafel risotto pho hummus lasagne sushi kimchi ceviche
    biryani moussaka couscous gazpacho haggis pierogi bibimbap tempura ravioli gnocchi chowder meatloaf brisket
    schnitzel bratwurst croissants waffles pancakes porridge granola muesli yoghurt omelettes quiche bagels
    pretzels nachos burritos enchiladas tamales empanadas jambalaya gumbo popcorn fondue
    """
)


def make_statement(text: str = "Lives in Leeds", **fields: Any) -> Statement:
    defaults: dict[str, Any] = {"kind": "other", "importance": 0.5, "cause": Cause.ADDED, "actor": "tests"}
    return Statement(text=text, **defaults | fields)


def learn(workspace: Workspace, *statements: Statement) -> Any:
    embedded = make_providers().embed([one.text for one in statements])
    return remember(
        owner=Owner(workspace.pk, "mara"),
        statements=statements,
        vectors=Vectors(embedded.rows, embedded.model),
        terms=lambda workspace_id: Terms(),
        now=NOW,
    )


def at_once(*jobs: Callable[[], object]) -> None:
    """Run each in a thread with a connection of its own; what one of them raises is raised here."""

    def run(job: Callable[[], object]) -> None:
        try:
            job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(run, job) for job in jobs]:
            done.result()


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_the_same_facts_fifty_times_keep_each_once_and_lose_none() -> None:
    workspace = make_workspace()
    dishes = [f"Likes {dish}" for dish in DISHES]
    together = threading.Barrier(2)

    def work(order: int) -> Callable[[], None]:
        def rounds() -> None:
            for number in range(len(DISHES)):
                facts = [make_statement(dishes[number]), make_statement(dishes[(number + 1) % len(DISHES)])]
                together.wait()
                learn(workspace, *facts[::order])

        return rounds

    at_once(work(1), work(-1))
    active = Memory.objects.active().values_list("text_hash").annotate(times=Count("id"))
    assert {times for _, times in active} == {1}
    assert set(Memory.objects.active().values_list("text", flat=True)) == set(dishes)
    assert Decision.objects.count() == 4 * len(DISHES)


@pytest.mark.django_db(transaction=True)
def test_a_fact_that_somebody_writes_without_the_lock_meanwhile_is_found_and_the_rest_of_the_batch_kept() -> None:
    workspace = make_workspace()
    written, learned = threading.Event(), threading.Event()

    def without_the_lock() -> None:
        with transaction.atomic():
            make_memory("Lives in Leeds", workspace=workspace)
            written.set()
            # until the worker stands still at the unique index
            while not (somebody_waits() or learned.wait(timeout=0.01)):
                pass

    def worker() -> None:
        written.wait(timeout=10)
        learn(workspace, make_statement("Plays the cello"), make_statement("Lives in Leeds"))
        learned.set()

    at_once(without_the_lock, worker)
    assert sorted(Memory.objects.active().values_list("text", flat=True)) == ["Lives in Leeds", "Plays the cello"]
    assert sorted(Decision.objects.values_list("outcome", flat=True)) == ["added", "duplicate"]


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted)")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db
def test_a_message_that_is_decided_about_twice_changes_nothing() -> None:
    conversation = make_conversation()
    message_id = say(conversation, "I live in Leeds. I play the cello.").items[0][0]
    facts = [
        make_statement(text, message_id=message_id, ordinal=number)
        for number, text in enumerate(("Lives in Leeds", "Plays the cello"))
    ]
    first = learn(conversation.workspace, *facts)
    assert learn(conversation.workspace, *facts) == first
    assert (Memory.objects.count(), Decision.objects.count()) == (2, 2)
