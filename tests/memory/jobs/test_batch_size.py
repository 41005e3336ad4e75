from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memory.jobs.working.batch_size import BatchSize

TARGET_S = 0.4
batches = st.lists(st.tuples(st.integers(1, 300), st.floats(0, 10)), max_size=50)


@given(most=st.integers(1, 500), batches=batches)
def test_the_size_stays_in_its_bounds(most: int, batches: list[tuple[int, float]]) -> None:
    size = BatchSize(most, TARGET_S)
    for jobs, seconds in batches:
        size.took(min(jobs, size.size), seconds)
        assert 1 <= size.size <= most


@given(most=st.integers(1, 500), jobs=st.integers(1, 500), seconds=st.floats(0, 10))
def test_a_slow_batch_never_raises_the_size_and_a_quick_one_never_lowers_it(
    most: int, jobs: int, seconds: float
) -> None:
    size = BatchSize(most, TARGET_S)
    before = size.size
    size.took(min(jobs, before), seconds)
    assert size.size <= before if seconds > TARGET_S else size.size >= before


@given(per_job_ms=st.floats(0.05, 300))
def test_the_size_settles_where_a_batch_takes_about_the_wanted_time(per_job_ms: float) -> None:
    size = BatchSize(200, TARGET_S)
    taken = []
    for _ in range(200):
        taken.append(size.size)
        size.took(size.size, size.size * per_job_ms / 1000)
    ideal = max(1, min(200, TARGET_S * 1000 / per_job_ms))
    settled = taken[100:]
    # one step above the ideal at most, and half of that after the step back
    assert max(settled) <= ideal + 21
    assert min(settled) >= min(ideal, 200) / 2 - 1


def test_a_batch_that_was_not_full_says_nothing_of_a_full_one() -> None:
    size = BatchSize(200, TARGET_S, 100)
    size.took(3, 0.001)
    assert size.size == 100
