from __future__ import annotations

import pytest

from memory.providers import configured
from tests.make import make_providers
from tests.memory.work.doubles import Remote


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Remote:
    """A provider of each sort that this installation is configured with, with the local ones behind it."""
    provider = Remote()
    providers = make_providers(embedder=provider, extractor=provider, summarizer=provider)
    monkeypatch.setattr(configured, "standby", lambda: providers)
    return provider
