"""A busy machine may take its time to answer: only tests of its absence have Redis away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memory.providers.guard import limit


@pytest.fixture(autouse=True, scope="package")
def patient_limit() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limit, "TIMEOUT_S", 10.0)
        forget_client()
        yield
    forget_client()


def forget_client() -> None:
    limit.store().close()
    limit.store.cache_clear()
    limit._script.cache_clear()
