from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.queries.fingerprint import TEMPLATE_LIMIT, fingerprint, numbered, template

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)


def literal(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def statement(text: str, numbers: list[int]) -> str:
    listed = ", ".join(str(number) for number in numbers)
    return f"SELECT a, b2 FROM t WHERE name = {literal(text)} AND id IN ({listed}) ORDER BY 1"


@settings(max_examples=60)
@given(TEXTS, TEXTS, st.lists(st.integers(), min_size=1, max_size=9), st.lists(st.integers(), min_size=1, max_size=9))
def test_values_and_the_length_of_lists_make_no_difference(a: str, b: str, some: list[int], others: list[int]) -> None:
    assert fingerprint(statement(a, some)) == fingerprint(statement(b, others))


@settings(max_examples=60)
@given(TEXTS, st.lists(st.integers(), min_size=1, max_size=9))
def test_a_template_is_its_own_template_and_has_the_same_fingerprint(text: str, numbers: list[int]) -> None:
    made = template(statement(text, numbers))
    assert template(made) == made
    assert fingerprint(made) == fingerprint(statement(text, numbers))


@settings(max_examples=100)
@given(TEXTS)
def test_anything_at_all_is_read_without_an_error(text: str) -> None:
    assert len(template(text)) <= TEMPLATE_LIMIT
    assert len(fingerprint(text)) == 16


@pytest.mark.parametrize(
    "alike",
    [
        ('SELECT "a" FROM "t" WHERE x = %s', "select a\n  from t where x=%(name)s -- why\n;"),
        ("SELECT 1 FROM t WHERE a = E'it\\'s'", "SELECT 2 FROM t /* 'note' */ WHERE a = $tag$that's$tag$"),
        ("INSERT INTO t VALUES (%s, now(), %s)", "INSERT INTO t VALUES (1, now(), 'x'), (2, now(), 'y')"),
        ("SELECT now() - interval '1 day'", "SELECT now() - INTERVAL '90 minutes'"),
        ("SELECT a FROM t WHERE id = ANY (ARRAY[1, 2])", "SELECT a FROM t WHERE id = ANY(ARRAY[%s])"),
        ('SAVEPOINT "s139935_x12"', 'SAVEPOINT "s20010203_x1"'),
        ("SELECT a FROM t WHERE x IN ($1 /*, ... */)", "SELECT a FROM t WHERE x IN (%s, %s, %s)"),
        ("SELECT a FROM t LIMIT 21", "SELECT a FROM t LIMIT %s"),
    ],
)
def test_these_are_the_same_statement(alike: tuple[str, str]) -> None:
    assert fingerprint(alike[0]) == fingerprint(alike[1]), [template(each) for each in alike]


@pytest.mark.parametrize(
    "different",
    [
        ("SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE c = 1"),
        ("SELECT a FROM t1", "SELECT a FROM t2"),
        ("SELECT a -> 'x' FROM t", "SELECT a ->> 'x' FROM t"),
        ("SELECT a FROM t WHERE b = %s", "SELECT a FROM t WHERE b = %s OR c = %s"),
    ],
)
def test_these_are_not(different: tuple[str, str]) -> None:
    assert fingerprint(different[0]) != fingerprint(different[1])


def test_no_value_that_was_written_into_the_text_stays() -> None:
    text = "SELECT a /* for mara */ FROM t WHERE mail = 'mara@b.org' AND pin = 48213 AND b = $$mara$$ AND c = U&'mara'"
    assert template(text) == "SELECT a FROM t WHERE mail = %s AND pin = %s AND b = %s AND c = %s"


def test_a_template_is_numbered_for_postgresql() -> None:
    assert numbered("SELECT a %% 7 FROM t WHERE x = %s AND y = %s") == "SELECT a % 7 FROM t WHERE x = $1 AND y = $2"


def test_a_statement_of_any_length_has_a_short_template() -> None:
    long = "SELECT a FROM t WHERE " + " AND ".join(f"column_{n} = 'x'" for n in range(20_000))
    assert len(template(long)) == TEMPLATE_LIMIT
