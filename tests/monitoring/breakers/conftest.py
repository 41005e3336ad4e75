"""A clock that stands, and a registry that knows nothing of other tests'."""

from __future__ import annotations

import pytest

from monitoring.breakers.registry import Registry
from tests.monitoring.breakers.made import Clock, make_registry


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """This process's registry for the test; its keeper's rounds are the test's own."""
    registry = make_registry()
    monkeypatch.setattr(Registry, "start", lambda self: None)
    monkeypatch.setattr("monitoring.breakers.registry._registry", registry)
    return registry
