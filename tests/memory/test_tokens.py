"""The token estimate: near a real tokenizer, never 0 for something, and safe to add up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.providers.local.embedder import tokenizer_and_vectors
from memory.providers.local.tokens import estimate

PROSE = (
    "I went to a support group yesterday and it was so powerful. The stories were inspiring, and I was thankful for "
    "all the support. We talked for two hours, then walked home along the river with Tom and his dog."
)


def test_only_the_empty_text_has_no_tokens() -> None:
    assert estimate("") == 0
    assert estimate(" ") == 1
    assert estimate("a") == 1


def test_prose_is_estimated_within_a_fifth_of_a_real_tokenizer() -> None:
    counted = len(tokenizer_and_vectors()[0].encode(PROSE, add_special_tokens=False).ids)
    assert estimate(PROSE) == pytest.approx(counted, rel=0.2)


@given(st.text(), st.text())
def test_parts_never_add_up_to_less_than_the_whole(a: str, b: str) -> None:
    assert estimate(f"{a}\n{b}") <= estimate(f"{a}\n") + estimate(b)


@given(st.text(min_size=1))
def test_something_is_never_nothing(text: str) -> None:
    assert estimate(text) >= 1
