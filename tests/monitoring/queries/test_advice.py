from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import pytest_django
from django.db import connection

from monitoring.models import AuditEntry, SlowQuery
from monitoring.queries.advice import plans, proof
from monitoring.queries.advice.advise import Advice, advise, proposal_of
from monitoring.queries.advice.plans import RefusedError
from monitoring.queries.advice.tree import tree
from monitoring.queries.read import Repeat
from monitoring.queries.server import asked
from tests.monitoring.queries.made import NOW, PLANTED, execute, make_query, planted

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)

BY_GUEST = f"SELECT id, at FROM {PLANTED} WHERE guest_id = %s AND at >= %s"
LATEST = f"SELECT id FROM {PLANTED} WHERE guest_id = %s ORDER BY at DESC LIMIT 10"


@pytest.fixture(scope="module")
def visits(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[None]:
    """Committed, as plans are asked for on another connection."""
    with django_db_blocker.unblock(), planted():
        yield


def advice(statement: str, repeats: tuple[Repeat, ...] = ()) -> Advice:
    return advise(make_query(statement), repeats, now=NOW)


def statements(statement: str) -> list[str]:
    return [missing.proposal.statement for missing in advice(statement).missing]


@committed
@pytest.mark.usefixtures("visits")
def test_the_index_that_is_proposed_is_the_one_that_the_planner_then_uses() -> None:
    found = advice(LATEST)
    [missing] = found.missing
    assert missing.proposal.statement == (
        f"CREATE INDEX CONCURRENTLY {PLANTED}_guest_id_at_idx ON {PLANTED} (guest_id, at);"
    )
    assert found.tree is not None
    assert found.tree.costliest.name == "Seq Scan"
    assert found.tree.cause == (
        f"It reads all 20,000 rows of {PLANTED} to keep about 20: no index serves the condition."
    )
    execute(missing.proposal.statement)
    after = plans.explain(LATEST)
    assert proof.index_names(after.tree) == {f"{PLANTED}_guest_id_at_idx"}
    assert after.cost < found.tree.cost / 20
    SlowQuery.objects.update(planned_at=None)
    asked.forget()
    assert advice(LATEST).missing == []
    execute(f"DROP INDEX {PLANTED}_guest_id_at_idx")


@pytest.mark.usefixtures("visits")
@pytest.mark.parametrize(
    ("statement", "index"),
    [
        # twenty rows are left: a second column would only make the index longer
        (BY_GUEST, "(guest_id)"),
        (f'UPDATE "{PLANTED}" SET "note" = %s WHERE "{PLANTED}"."guest_id" IN (%s, %s)', "(guest_id)"),
        (f"DELETE FROM {PLANTED} WHERE (at < %s)", "(at)"),
        (f"SELECT v.id FROM {PLANTED} v WHERE v.state = %s AND v.at BETWEEN %s AND %s", "(state, at)"),
        (f"SELECT id FROM {PLANTED} ORDER BY at DESC, id DESC LIMIT 50", "(at, id)"),
        (
            f"SELECT id FROM {PLANTED} WHERE deleted_at IS NULL AND guest_id = %s",
            "(guest_id) WHERE deleted_at IS NULL",
        ),
        (
            f"SELECT a.id FROM {PLANTED} a JOIN {PLANTED} b ON b.guest_id = a.id WHERE a.id = %s",
            "(guest_id)",
        ),
        (f"SELECT 1 WHERE EXISTS (SELECT FROM {PLANTED} WHERE guest_id = %s)", "(guest_id)"),
    ],
)
def test_what_is_equal_comes_first_and_then_one_range_or_the_order(statement: str, index: str) -> None:
    [proposed] = statements(statement)
    assert proposed.partition(f" ON {PLANTED} ")[2] == f"{index};"


@pytest.mark.usefixtures("visits")
@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT note FROM {PLANTED} WHERE id = %s",  # its primary key
        f"SELECT id FROM {PLANTED} WHERE deleted_at IS NOT NULL",  # keeps most rows
        f"SELECT id FROM {PLANTED} WHERE guest_id = %s OR at < %s",
        f"SELECT count(*) FROM {PLANTED}",
        f"SELECT id FROM {PLANTED} WHERE upper(note) = upper(%s)",
        "SELECT pg_sleep(%s)",
        "SELECT id FROM monitoring_event WHERE kind = %s",  # few rows
    ],
)
def test_where_no_index_helps_none_is_proposed(statement: str) -> None:
    assert statements(statement) == []


@pytest.mark.usefixtures("visits")
def test_what_else_is_wrong_is_said_in_words() -> None:
    loop = Repeat("f", "SELECT", "list_memories", requests=4, runs=60, most=22, seconds=0.9)
    found = advice(f"SELECT id FROM {PLANTED} WHERE upper(note) = upper(%s) AND (state = %s OR at < %s)", (loop,))
    notes = " ".join(found.notes)
    assert "list_memories runs it 15 times in one request (22 at most)" in notes
    assert "select_related" in notes
    assert "compares UPPER(note)" in notes
    assert "by OR" in notes
    sleepy = advice("SELECT pg_sleep(%s)")
    assert sleepy.tree is not None
    assert "a function, a lock" in sleepy.tree.cause


@pytest.mark.usefixtures("visits")
def test_an_index_of_some_rows_is_named_since_a_plan_without_values_does_not_use_it() -> None:
    execute(f"CREATE INDEX planted_open ON {PLANTED} (guest_id) WHERE state = 'state 1'")
    found = advice(f"SELECT id FROM {PLANTED} WHERE guest_id = %s AND state = %s")
    assert found.missing == []
    assert "planted_open holds only some rows" in " ".join(found.notes)


@pytest.mark.usefixtures("visits")
def test_a_small_table_is_tried_on_request_and_left_as_it_was() -> None:
    query = make_query(BY_GUEST)
    [missing] = advise(query, (), now=NOW).missing
    assert missing.proof is None
    assert missing.may_be_tried
    found = proof.try_out(query, missing.proposal, actor="ops", reason="is it worth it", now=NOW)
    assert found.is_used
    assert found.saves > 0.9
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE tablename = %s", [PLANTED])
        assert cursor.fetchone() == (1,)
    query.refresh_from_db()
    [again] = advise(query, (), now=NOW).missing
    assert again.proof == found
    assert again.is_worth_it
    assert AuditEntry.objects.get(action="queries.prove").actor == "ops"
    with pytest.raises(RefusedError, match="not proposed any more"):
        proposal_of(query, "evil")


@pytest.mark.usefixtures("visits")
def test_a_table_that_somebody_writes_is_not_waited_for() -> None:
    query = make_query(BY_GUEST)
    [missing] = advise(query, (), now=NOW).missing
    with plans.own_connection(read_only=False) as writer:
        writer.execute(f"UPDATE {PLANTED} SET note = '' WHERE id = 1")
        with pytest.raises(RefusedError, match="being changed"):
            proof.try_out(query, missing.proposal, actor="ops", reason="is it worth it", now=NOW)
    large = type(missing.proposal)(
        **{n: getattr(missing.proposal, n) for n in missing.proposal.__slots__} | {"rows": 60_000}
    )
    with pytest.raises(RefusedError, match="more than 50,000 rows"):
        proof.try_out(query, large, actor="ops", reason="is it worth it", now=NOW)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("SELECT 1; DROP TABLE auth_user", "more than one statement"),
        ("VACUUM FULL auth_user", "Only SELECT"),
        ("EXPLAIN ANALYZE DELETE FROM auth_user", "Only SELECT"),
        ("SELECT a FROM no_such_table", 'relation "no_such_table" does not exist'),
        ("SELECT ABS(%s, %s)", "can't plan it without its values"),
        ("SELECT " + "x" * 10_000, "too long"),
    ],
)
def test_what_can_not_be_planned_says_why_and_nothing_is_run(template: str, why: str) -> None:
    with pytest.raises(RefusedError) as refused:
        plans.explain(template)
    assert why in str(refused.value)


def test_a_plan_changes_nothing_and_is_asked_for_once_in_ten_minutes() -> None:
    query = make_query("DELETE FROM monitoring_slowquery WHERE fingerprint <> %s")
    assert plans.refresh(query, now=NOW).plan is not None
    assert SlowQuery.objects.filter(pk=query.pk).exists()
    SlowQuery.objects.update(plan=None)
    query.refresh_from_db()
    assert plans.refresh(query, now=NOW + timedelta(minutes=9)).plan is None
    assert plans.refresh(query, now=NOW + timedelta(minutes=11)).plan is not None


@committed
def test_two_that_look_at_once_plan_once() -> None:
    query = make_query("SELECT id FROM auth_user WHERE username = %s")
    started = threading.Barrier(2)
    found: list[Any] = []

    def look() -> None:
        started.wait(5)
        found.append(plans.refresh(SlowQuery.objects.get(pk=query.pk), now=NOW).plan)
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sum(plan is not None for plan in found) >= 1


@pytest.mark.usefixtures("visits")
def test_before_postgresql_16_a_prepared_statement_gives_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    new = plans.explain(BY_GUEST).tree
    monkeypatch.setattr(plans, "GENERIC_SINCE", 10**9)
    assert plans.explain(BY_GUEST).tree["Node Type"] == new["Node Type"]
    with pytest.raises(RefusedError, match="does not exist"):
        plans.explain("SELECT a FROM no_such_table WHERE b = %s")


@pytest.mark.parametrize(
    ("plan", "cause"),
    [
        ({"Node Type": "Sort", "Plan Rows": 400_000, "Plan Width": 100, "Total Cost": 90_000.0}, "more than work_mem"),
        ({"Node Type": "Sort", "Plan Rows": 400, "Plan Width": 10, "Total Cost": 90_000.0}, "would save the sort"),
        (
            {
                "Node Type": "Index Scan",
                "Index Name": "i",
                "Plan Rows": 90_000,
                "Plan Width": 8,
                "Total Cost": 70_000.0,
            },
            "through i",
        ),
        ({"Node Type": "Function Scan", "Plan Rows": 9, "Plan Width": 8, "Total Cost": 9_000.0}, "a function"),
        ({"Node Type": "Aggregate", "Plan Rows": 9, "Plan Width": 8, "Total Cost": 9_000.0}, "together in memory"),
        ({"Node Type": "Gather", "Plan Rows": 9, "Plan Width": 8, "Total Cost": 9_000.0}, "the step gather"),
    ],
)
def test_the_costliest_step_is_explained_in_words(plan: dict[str, Any], cause: str) -> None:
    assert cause in tree(plan, sizes={}).cause


def test_a_loop_over_many_rows_is_the_cause_of_a_join() -> None:
    side = {"Node Type": "Index Scan", "Plan Rows": 50_000, "Plan Width": 8, "Total Cost": 100.0}
    join = {"Node Type": "Nested Loop", "Plan Rows": 9, "Plan Width": 8, "Total Cost": 80_000.0, "Plans": [side, side]}
    found = tree(join, sizes={})
    assert "once for each of 50k rows" in found.cause
    assert [step.depth for step in found.steps] == [0, 1, 1]
    assert sum(step.share for step in found.steps) == pytest.approx(1)


def test_plans_are_asked_for_on_a_connection_that_can_write_nothing() -> None:
    with plans.own_connection() as own, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        own.execute("DELETE FROM auth_user")
