from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.caching.store.entry import RAW, ZLIB, ZSTD, EntryError, fresh_until, pack, unpack

VALUES = st.binary(max_size=500) | st.builds(
    lambda part, times: part * times, st.binary(max_size=9), st.integers(0, 999)
)


@given(VALUES, st.integers(0, 2000), st.sampled_from([ZSTD, ZLIB]), st.floats(0, 4e9))
def test_a_value_comes_back_as_it_was_whatever_packs_it(value: bytes, over: int, codec: bytes, until: float) -> None:
    stored = pack(value, fresh_until=until, over=over, codec=codec)
    assert unpack(stored) == value
    assert fresh_until(stored) == until
    assert len(stored) <= len(value) + 9


@pytest.mark.parametrize("codec", [ZSTD, ZLIB])
def test_only_values_over_the_threshold_that_get_smaller_are_compressed(codec: bytes) -> None:
    assert pack(b"a" * 100, fresh_until=0, over=100, codec=codec)[:1] == RAW
    assert pack(b"a" * 101, fresh_until=0, over=100, codec=codec)[:1] == codec
    assert pack(bytes(range(256)), fresh_until=0, over=100, codec=codec)[:1] == RAW


@given(st.binary(max_size=40))
def test_bytes_that_are_no_entry_are_refused_or_read_but_never_raise_another_error(stored: bytes) -> None:
    try:
        fresh_until(stored)
        unpack(stored)
    except EntryError:
        pass
