from __future__ import annotations

from collections.abc import Iterator

import pytest

from memory.caching import CACHES
from tests.memory.api.conftest import api, make_api
from tests.memory.caching.made import Road

__all__ = ["api", "make_api"]  # fixtures of the API's tests


@pytest.fixture(autouse=True)
def nothing_untold() -> None:
    """What the tests before used is not told to Redis in this one."""
    for cache in CACHES.values():
        cache.usage._hits.clear()
        cache.usage._namespaces.clear()
        cache.forget_local()
        cache.link.reset()


@pytest.fixture
def road() -> Iterator[Road]:
    made = Road()
    yield made
    made.shut()
