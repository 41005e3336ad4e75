"""A healthy simulator and a client for each test."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from memory.providers.simulator import Simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(seed=1) as simulator:
        yield simulator


@pytest.fixture
def client(simulator: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=simulator.url, timeout=10) as client:
        yield client
