from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from flags.bucketing import BUCKET_SQL, SPACE, STEP, bucket, edge, enters_at, threshold

VECTORS = [
    ("f", "u7", 210023356482664387),
    ("dedup-v2", "tenant-42", 16792307532362747973),
    ("ä", "ünï", 15430113844154510218),
]
UNITS = [f"user-{number}" for number in range(20_000)]
percents = st.integers(0, 100_000).map(lambda steps: steps * STEP)
# PostgreSQL keeps no text with a NUL, and no half of a surrogate pair can be encoded
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)


@pytest.mark.parametrize(("salt", "unit", "expected"), VECTORS)
def test_the_bucket_is_that_of_the_vectors(salt: str, unit: str, expected: int) -> None:
    assert bucket(salt, unit) == expected


@given(texts, texts, percents, percents)
def test_who_is_in_stays_in_while_the_share_rises(salt: str, unit: str, one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    place = bucket(salt, unit)
    assert place >= threshold(low) or place < threshold(high)
    assert not place < threshold(Decimal(0))
    assert place < threshold(Decimal(100)) == SPACE


@given(texts, texts)
def test_a_unit_enters_at_its_percentage_and_not_a_step_before(salt: str, unit: str) -> None:
    least = enters_at(salt, unit)
    assert bucket(salt, unit) < threshold(least)
    assert bucket(salt, unit) >= threshold(least - STEP)


def test_units_spread_evenly() -> None:
    bins = [0] * 1000
    for unit in UNITS:
        bins[bucket("even", unit) * 1000 // SPACE] += 1
    expected = len(UNITS) / 1000
    chi_square = sum((count - expected) ** 2 / expected for count in bins)
    assert 799 < chi_square < 1220, "999 degrees of freedom: five standard deviations around the mean"


def test_a_twentieth_of_a_percent_is_one() -> None:
    wanted = threshold(Decimal("0.05"))
    assert 2 <= sum(bucket("few", unit) < wanted for unit in UNITS) <= 22, "10 expected, within four deviations"


def test_two_flags_draw_independently_also_when_their_salts_are_alike() -> None:
    wanted = threshold(Decimal(10))
    drawn = [{unit for unit in UNITS if bucket(f"flag-{n}", unit) < wanted} for n in range(8)]
    shares = [len(one & other) / len(UNITS) for one, other in itertools.combinations(drawn, 2)]
    # 1 % of units are in both by chance, with a deviation of 0.07 points
    assert max(abs(share - 0.01) for share in shares) < 0.0035


@pytest.mark.django_db
@given(texts, texts, percents)
def test_postgresql_draws_the_same_units(salt: str, unit: str, percent: Decimal) -> None:
    place = BUCKET_SQL.format(salt="%s", unit="%s")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {place}, {place} < %s", [salt, unit, salt, unit, edge(percent)])
        digest, is_in = cursor.fetchone()
    assert int.from_bytes(digest, "big") == bucket(salt, unit)
    assert is_in == (bucket(salt, unit) < threshold(percent))


@pytest.mark.django_db
@pytest.mark.parametrize(("salt", "unit", "expected"), VECTORS)
def test_postgresql_has_the_vectors(salt: str, unit: str, expected: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {BUCKET_SQL.format(salt='%s', unit='%s')}", [salt, unit])
        assert int.from_bytes(cursor.fetchone()[0], "big") == expected
