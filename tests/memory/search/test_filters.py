from __future__ import annotations

import operator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.errors import InvalidError
from memory.models import Kind, Memory, State, Workspace
from memory.search.filters import from_json, narrowed, parsed
from tests.make import NOW, make_workspace

pytestmark = pytest.mark.django_db

ORDERED = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
SCALARS = st.one_of(
    st.sampled_from(["mail", "Mail box", "", "7", "%", "a'b", "ü"]), st.integers(-3, 3), st.booleans(), st.floats(-2, 2)
)
TIMES = st.integers(-3, 3).map(lambda days: NOW + timedelta(days=days))


@st.composite
def memories(draw: st.DrawFn) -> Memory:
    values = st.one_of(SCALARS, st.none(), st.lists(SCALARS, max_size=3), st.just({"deep": 1}))
    return Memory(
        user_id=draw(st.sampled_from(["mara", "jonas"])),
        text=draw(st.sampled_from(["Lives in Leeds", "lives alone", "50% off", ""])),
        agent_id=draw(st.sampled_from(["", "coach", "Coach 2"])),
        kind=draw(st.sampled_from(Kind.values)),
        state=draw(st.sampled_from(State.values)),
        pinned=draw(st.booleans()),
        importance=draw(st.sampled_from([0.0, 0.25, 0.5, 1.0])),
        valid_from=draw(st.none() | TIMES),
        expires_at=draw(st.none() | TIMES),
        metadata=draw(st.dictionaries(st.sampled_from(["source", "number", "a.b"]), values, max_size=3)),
    )


def conditions() -> st.SearchStrategy[dict[str, Any]]:
    times = TIMES.map(datetime.isoformat)
    compare = st.sampled_from(sorted(ORDERED))
    keys = st.sampled_from(["metadata.source", "metadata.number", "metadata.a.b", "metadata.none"])

    def on(fields: list[str], values: st.SearchStrategy[Any], *more: str) -> st.SearchStrategy[dict[str, Any]]:
        ops = st.sampled_from(["eq", "ne", *more])
        given = st.one_of(
            st.builds(lambda op, value: {op: value}, ops, values),
            values,
            st.lists(values, min_size=1, max_size=3),
            st.builds(lambda there: {"exists": there}, st.booleans()),
            st.none(),
        )
        return st.builds(lambda field, value: {field: value}, st.sampled_from(fields), given)

    return st.one_of(
        on(["kind"], st.sampled_from(Kind.values)),
        on(["state"], st.sampled_from(State.values)),
        on(
            ["text", "agent_id", "user_id"],
            st.sampled_from(["lives", "Lives in Leeds", "%", "coach", "mara"]),
            "contains",
        ),
        on(["pinned"], st.booleans()),
        on(["importance"], st.sampled_from([0, 0.25, 0.5, 1]), *ORDERED),
        on(["valid_from", "expires_at"], times, *ORDERED),
        keys.flatmap(lambda key: on([key], SCALARS, *ORDERED, "contains")),
        st.builds(lambda key, op, value: {key: {op: value}}, keys, compare, SCALARS),
        st.builds(lambda value: {"metadata": {"source": value}}, SCALARS),
    )


FILTERS = st.recursive(
    conditions(),
    lambda inner: st.builds(
        lambda kind, parts, extra: {kind: parts} | extra,
        st.sampled_from(["AND", "OR", "NOT"]),
        st.lists(inner, min_size=1, max_size=3),
        st.just({}) | conditions(),
    ),
    max_leaves=6,
)


def holds(filter: dict[str, Any], row: Memory) -> bool:
    """What a filter means, in plain words."""
    return all(_entry(name, value, row) for name, value in filter.items())


def _entry(name: str, value: Any, row: Memory) -> bool:
    if name in {"AND", "OR", "NOT"}:
        each = [holds(part, row) for part in value]
        return {"AND": all(each), "OR": any(each), "NOT": not any(each)}[name]
    if name == "metadata":
        # as PostgreSQL's @> has it: only an array of its own, not one under a key, contains its members
        return all(key in row.metadata and same(row.metadata[key], wanted) for key, wanted in value.items())
    got = row.metadata.get(name.removeprefix("metadata.")) if name.startswith("metadata.") else getattr(row, name)
    if isinstance(got, str) and not name.startswith("metadata."):
        got = got or None
    if isinstance(value, list):
        return any(same(got, one) for one in value)
    operands = value if isinstance(value, dict) else {"eq": value}
    return all(_op(op, got, wanted) for op, wanted in operands.items())


def _op(op: str, got: Any, wanted: Any) -> bool:
    if isinstance(got, datetime) and isinstance(wanted, str):
        wanted = datetime.fromisoformat(wanted)
    if op in {"eq", "ne"}:
        return same(got, wanted) == (op == "eq")
    if op == "exists":
        return (got is not None) is bool(wanted)
    if op == "contains":
        inside = isinstance(got, str) and isinstance(wanted, str) and wanted.lower() in got.lower()
        return inside or (isinstance(got, list) and any(same(one, wanted) for one in got))
    return type_of(got) == type_of(wanted) and bool(ORDERED[op](got, wanted))


def type_of(value: Any) -> str:
    return "number" if type(value) in {int, float} else type(value).__name__


def same(got: Any, wanted: Any) -> bool:
    if isinstance(got, datetime) and isinstance(wanted, str):
        wanted = datetime.fromisoformat(wanted)
    return type_of(got) == type_of(wanted) and bool(got == wanted)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(memories(), min_size=8, max_size=8), filters=st.lists(FILTERS, min_size=6, max_size=6))
def test_what_postgresql_finds_is_what_the_filter_means(
    workspace: Workspace, rows: list[Memory], filters: list[dict[str, Any]]
) -> None:
    Memory.objects.all().delete()
    for number, row in enumerate(rows):
        row.workspace, row.text_hash = workspace, str(number)
    Memory.objects.bulk_create(rows)
    for filter in filters:
        found = set(narrowed(Memory.objects.all(), parsed(filter)).values_list("id", flat=True))
        assert found == {row.id for row in rows if holds(filter, row)}, filter


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace()


@pytest.mark.parametrize(
    ("value", "field", "advice"),
    [
        ({"colour": "red"}, "filters.colour", "is no field; filter by id, kind"),
        ({"metadata.": 1}, "filters.metadata.", "is no field"),
        ({"kind": {"almost": "health"}}, "filters.kind.almost", "is no operator; use eq, ne, in, exists"),
        ({"kind": {"gt": "health"}}, "filters.kind.gt", "does not fit this field"),
        ({"text": {"regex": "^a+$"}}, "filters.text.regex", "use contains"),
        ({"metadata.source": {"$regex": "a"}}, "filters.metadata.source.$regex", "use contains"),
        ({"kind": "colour"}, "filters.kind", "must be one of identity"),
        ({"importance": "high"}, "filters.importance", "must be a number"),
        ({"importance": {"gt": True}}, "filters.importance.gt", "must be a number"),
        ({"pinned": 1}, "filters.pinned", "must be true or false"),
        ({"created_at": {"gt": "yesterday"}}, "filters.created_at.gt", "2026-11-21T09:00:00Z"),
        ({"created_at": {"gt": "2026-11-21T09:00:00"}}, "filters.created_at.gt", "with its zone"),
        ({"id": "7"}, "filters.id", "must be an id such as"),
        ({"kind": []}, "filters.kind", "1 to 100 values"),
        ({"kind": {}}, "filters.kind", "must have an operator"),
        ({"kind": {"exists": "yes"}}, "filters.kind.exists", "must be true or false"),
        ({"text": {"contains": "\x00"}}, "filters.text.contains", "without U+0000"),
        ({"metadata.source": {"eq": {"a": 1}}}, "filters.metadata.source.eq", "must be text, a number, true or false"),
        ({"metadata": "mail"}, "filters.metadata", "must be an object"),
        ({"AND": {"kind": "health"}}, "filters.AND", "must be a list of filters"),
        ({"OR": []}, "filters.OR", "with at least one"),
        ({"OR": ["health"]}, "filters.OR.0", "must be an object"),
        ({"OR": [{"kind": "health"}] * 51}, "filters.OR", "50 are the most"),
        ({"OR": [{"OR": [{"pinned": True}] * 6}] * 9}, "filters", "54 conditions"),
        ([], "filters", "must be an object"),
    ],
)  # fmt: skip
def test_what_can_not_be_meant_is_refused_by_its_place_with_advice(value: Any, field: str, advice: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parsed(value)
    ((place, message),) = refused.value.faults
    assert place == field
    assert advice in message


def test_filters_are_nested_five_levels_at_most() -> None:
    filter: dict[str, Any] = {"pinned": True}
    for _ in range(5):
        filter = {"NOT": [filter]}
    parsed(filter)
    with pytest.raises(InvalidError, match="nested over 5 levels"):
        parsed({"NOT": [filter]})


def test_a_filter_comes_as_json_too() -> None:
    assert [condition.field for condition in from_json('{"pinned": true}').conditions] == ["pinned"]
    with pytest.raises(InvalidError, match="must be a JSON object"):
        from_json("{pinned}")


@pytest.mark.parametrize("value", ["'; DROP TABLE memory_memory; --", "%s", "%(workspace)s", "\\", "{where}"])
def test_values_are_never_sql(workspace: Workspace, value: str) -> None:
    for filter in ({"text": {"contains": value}}, {f"metadata.{value}": {"ne": value}}, {"metadata": {value: value}}):
        narrowed(Memory.objects.filter(workspace=workspace), parsed(filter)).count()
