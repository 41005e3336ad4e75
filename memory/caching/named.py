"""The five caches of this installation, over one link."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from memory.caching.cache import Cache
from memory.caching.policy import Policy
from memory.caching.store.link import Link
from memory.caching.store.usage import Teller

MINUTE_S, DAY_S = 60.0, 86_400.0

LINK: Final = Link(settings.REDIS_URL)
TELLER: Final = Teller(LINK)


def _cache(policy: Policy) -> Cache:
    cache = Cache(policy, LINK, wake=TELLER.wake)
    TELLER.add(cache.usage)
    return cache


# The first two are of one user each and never older than the user's last write; five minutes bound what a lost
# invalidation can do, and what idle users cost. A process must not keep them itself: nobody could tell it of a write.
CONTEXT: Final = _cache(Policy("context", "Context", ttl_s=5 * MINUTE_S, entries=64, strict=True))
CONVERSATION: Final = _cache(Policy("conversation", "Conversation", ttl_s=5 * MINUTE_S, entries=32, strict=True))
RESPONSE: Final = _cache(
    Policy("response", "AI response", ttl_s=60 * MINUTE_S, stale_s=5 * MINUTE_S, entries=512, ttl_limit_s=DAY_S)
)
TOOL: Final = _cache(
    Policy("tool", "Tool result", ttl_s=5 * MINUTE_S, stale_s=MINUTE_S, entries=512, ttl_limit_s=DAY_S)
)
# a vector follows from its text and model alone, so that a process may keep it as long as it likes
EMBEDDING: Final = _cache(
    Policy("embedding", "Embedding", ttl_s=DAY_S, entries=4096, local_entries=10_000, local_s=60 * MINUTE_S)
)

CACHES: Final = {cache.policy.name: cache for cache in (CONTEXT, CONVERSATION, RESPONSE, TOOL, EMBEDDING)}
