from __future__ import annotations

import pytest
import redis
from django.conf import settings

from monitoring.metrics import record
from monitoring.queries import transport
from monitoring.queries.fingerprint import both
from monitoring.queries.server import asked


@pytest.fixture(autouse=True)
def nothing_waits() -> None:
    """What other tests were slow with is theirs."""
    transport.deliver()
    redis.Redis.from_url(settings.REDIS_URL).delete(transport.KEY)
    record.drain()
    both.cache_clear()
    asked.forget()
