from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.metrics import sketch
from monitoring.metrics.sketch import BASE, Sketch

ERROR = 0.0109
durations = st.lists(st.floats(1e-6, 3_600), min_size=1, max_size=300)
buckets = st.dictionaries(st.integers(sketch.LOWEST, sketch.HIGHEST), st.integers(1, 2**40), max_size=60)


def exact(observations: list[float], q: float) -> float:
    """The nearest-rank quantile."""
    return sorted(observations)[sketch.rank(q, len(observations)) - 1]


@given(durations, st.floats(0, 1))
def test_a_quantile_is_within_1_09_percent_of_the_exact_one(observations: list[float], q: float) -> None:
    estimate = Sketch.of(observations).quantile(q)
    assert estimate == pytest.approx(exact(observations, q), rel=ERROR)


@pytest.mark.parametrize("q", [0.5, 0.95, 0.99, 0.999])
def test_the_error_stays_within_its_bound_on_a_long_tail(q: float) -> None:
    chance = random.Random(3)
    observations = [chance.lognormvariate(math.log(0.01), 1.2) for _ in range(20_000)]
    assert Sketch.of(observations).quantile(q) == pytest.approx(exact(observations, q), rel=ERROR)


@given(durations, durations)
def test_merging_two_sketches_equals_one_sketch_of_both(left: list[float], right: list[float]) -> None:
    merged = sketch.merged([Sketch.of(left), Sketch.of(right)])
    both = Sketch.of(left + right)
    assert merged.buckets == both.buckets
    assert merged.seconds == pytest.approx(both.seconds)


@given(durations, durations, durations)
def test_merging_is_commutative_and_associative(a: list[float], b: list[float], c: list[float]) -> None:
    one, two, three = (Sketch.of(each) for each in (a, b, c))
    left = sketch.merged([sketch.merged([one, two]), three]).buckets
    right = sketch.merged([three, sketch.merged([two, one])]).buckets
    assert left == right


@given(buckets)
def test_decoding_gives_back_what_was_encoded(counts: dict[int, int]) -> None:
    assert sketch.decode(sketch.encode(counts)) == counts


@given(st.lists(buckets, max_size=6))
def test_many_sketches_are_decoded_at_once_and_kept_apart(many: list[dict[int, int]]) -> None:
    owners, indexes, counts = sketch.decode_many([sketch.encode(each) for each in many])
    found: list[dict[int, int]] = [{} for _ in many]
    for owner, index, count in zip(owners.tolist(), indexes.tolist(), counts.tolist(), strict=True):
        found[owner][index] = count
    assert found == many


@given(st.lists(durations, min_size=1, max_size=4), st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]))
def test_the_table_answers_as_the_sketches_do(many: list[list[float]], q: float) -> None:
    packed = [sketch.encode(Sketch.of(each).buckets) for each in many]
    table = sketch.table(packed, range(len(many)), len(many) + 1)
    assert sketch.table_quantiles(table, q) == [*(Sketch.of(each).quantile(q) for each in many), None]


@pytest.mark.parametrize("packed", [b"\x80", b"\x01", b"\x01\x02\x03", b"\x01\x82"])
def test_bytes_that_end_too_early_are_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="ends within"):
        sketch.decode(packed)


def test_three_thousand_observations_take_less_than_700_bytes() -> None:
    chance = random.Random(5)
    observations = [chance.lognormvariate(math.log(0.01), 1.0) for _ in range(3_000)]
    assert len(sketch.encode(Sketch.of(observations).buckets)) < 700


@pytest.mark.parametrize(
    ("seconds", "index"),
    [
        (1.0, 0),
        (BASE, 1),
        (1.0001, 1),
        (2.0, 32),
        (0.0, sketch.LOWEST),
        (-1.0, sketch.LOWEST),
        (1e-30, sketch.LOWEST),
        (math.inf, sketch.HIGHEST),
        (1e30, sketch.HIGHEST),
    ],
)
def test_a_bucket_holds_what_is_above_the_bound_before_up_to_its_own(seconds: float, index: int) -> None:
    assert sketch.bucket(seconds) == index


def test_no_observation_has_no_quantile() -> None:
    assert Sketch().quantile(0.5) is None


@pytest.mark.parametrize("q", [-0.1, 1.1, math.nan])
def test_a_quantile_outside_0_to_1_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        Sketch.of([1.0]).quantile(q)
