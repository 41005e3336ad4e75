"""Every test starts with connections, providers and breakers of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memory.providers import configured
from monitoring.breakers.registry import the_registry


@pytest.fixture(autouse=True)
def fresh_providers() -> Iterator[None]:
    configured.reset()
    yield
    configured.reset()
    for name in ("embedding", "chat", "mcp"):
        the_registry().breakers.pop(f"provider.{name}", None)
