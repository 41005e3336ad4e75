"""The context cache: rendered answers under a version per user, which every write of that user replaces."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass

import redis
from django.conf import settings

from monitoring import metrics

log = logging.getLogger(__name__)

TTL_S = 300  # bounds what a lost invalidation can do, and what idle users cost
ENTRIES = 64  # kept answers per user

# One hash per user: field "v" is the version, the other fields are answers.
# Keeps an answer only if nothing was written since its version was read: a slow reader cannot bring back the past.
KEEP = """
if redis.call('HGET', KEYS[1], 'v') ~= ARGV[1] then return 0 end
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[4]) then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'v', ARGV[1])
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""

_client = redis.Redis.from_url(
    settings.REDIS_URL, socket_timeout=0.25, socket_connect_timeout=0.25, max_connections=32, retry=None
)
_keep = _client.register_script(KEEP)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look-up found: the answer, if there is one, and the version to keep a new one under."""

    answer: bytes | None
    version: bytes | None


def look_up_context(workspace_id: uuid.UUID, user_id: str, digest: str) -> Looked:
    """One round trip. Redis away is a miss that keeps nothing, counted."""
    key = _key(workspace_id, user_id)
    try:
        version, answer = _client.hmget(key, ["v", digest])
        if version is None:
            # a random version, so that answers from before an eviction never match again
            _client.hsetnx(key, "v", uuid.uuid4().hex)
            _client.expire(key, TTL_S)
            version = _client.hget(key, "v")
    except redis.RedisError as problem:
        return _away(problem)
    metrics.count("cache.context.misses" if answer is None else "cache.context.hits")
    return Looked(_bytes(answer), _bytes(version))


def peek_context(workspace_id: uuid.UUID, user_id: str, digest: str) -> bytes | None:
    """The answer if it is there; only a hit is counted, since a miss is looked up again."""
    try:
        answer = _bytes(_client.hget(_key(workspace_id, user_id), digest))
    except redis.RedisError:
        return None  # counted by the look-up that follows
    if answer is not None:
        metrics.count("cache.context.hits")
    return answer


def keep_context(workspace_id: uuid.UUID, user_id: str, digest: str, answer: bytes, version: bytes | None) -> None:
    """Keep an answer that was computed after `version` was read; dropped when the user has written since."""
    if version is None:
        return
    try:
        _keep(keys=[_key(workspace_id, user_id)], args=[version, digest, answer, ENTRIES, TTL_S])
    except redis.RedisError as problem:
        _away(problem)


def forget_context(workspace_id: uuid.UUID, user_id: str) -> None:
    """Drop the user's answers. Call it after the commit of every write and before answering the writer."""
    try:
        _client.delete(_key(workspace_id, user_id))
    except redis.RedisError as problem:
        _away(problem)


def _bytes(value: bytes | str | None) -> bytes | None:
    # redis-py's types allow for clients that decode; this one does not
    return value.encode() if isinstance(value, str) else value


def _away(problem: redis.RedisError) -> Looked:
    metrics.count("cache.context.misses")
    metrics.count("cache.context.errors")
    log.warning("event=cache_away error=%s", type(problem).__name__)
    return Looked(None, None)


def _key(workspace_id: uuid.UUID, user_id: str) -> str:
    return f"context:{workspace_id}:{user_id}"
