"""What runs inside Redis: one namespace of a cache is four keys, and changes to them are one step.

KEYS 1 entries (hash): `v` is the version, `.key` an entry. KEYS 2 order (sorted set): `.key` by last use.
KEYS 3 tags (hash): `.key` → NUL-separated tags. KEYS 4 vectors (hash): `.key` → vector; `#` counts its changes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from memory.caching.store.link import Link


@dataclass(frozen=True, slots=True)
class Script:
    """Lua text, and the hash by which Redis knows it."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())

    def run(self, link: Link, keys: tuple[str, ...], *arguments: Any) -> Any:
        """Raises AwayError."""
        answer = link.ask("EVALSHA", self.sha, len(keys), *keys, *arguments)
        if isinstance(answer, Exception):  # Redis was restarted or flushed and does not know it any more
            answer = link.ask("EVAL", self.text, len(keys), *keys, *arguments)
        return answer


# ARGV: a random version, milliseconds to live. The version of the namespace, made when there is none: a random one, so
# that entries from before an eviction never match again.
VERSION: Final = Script("""
if redis.call('HSETNX', KEYS[1], 'v', ARGV[1]) == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('HGET', KEYS[1], 'v')
""")

# ARGV: the version that the maker saw ('' for any), a random version, milliseconds now, milliseconds to live, most
# entries; then for each entry its field, value, tags, vector. → number of entries evicted, or -1 when nothing was kept.
# An entry is kept only while the version stands: a slow maker can't bring back the past.
KEEP: Final = Script("""
local version = redis.call('HGET', KEYS[1], 'v')
if ARGV[1] ~= '' then
  if version ~= ARGV[1] then return -1 end
elseif not version then
  redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4])
  redis.call('HSET', KEYS[1], 'v', ARGV[2])
end
local changed = false
for i = 6, #ARGV, 4 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[i])
  if ARGV[i + 2] ~= '' then redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 2])
  else redis.call('HDEL', KEYS[3], ARGV[i]) end
  if ARGV[i + 3] ~= '' then
    redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 3])
    changed = true
  elseif redis.call('HDEL', KEYS[4], ARGV[i]) == 1 then changed = true end
end
local evicted, over = 0, redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[5])
if over > 0 then
  local oldest = redis.call('ZPOPMIN', KEYS[2], over)
  for i = 1, #oldest, 2 do
    evicted = evicted + redis.call('HDEL', KEYS[1], oldest[i])
    redis.call('HDEL', KEYS[3], oldest[i])
    if redis.call('HDEL', KEYS[4], oldest[i]) == 1 then changed = true end
  end
end
if changed then redis.call('HINCRBY', KEYS[4], '#', 1) end
if redis.call('HLEN', KEYS[1]) - 1 > redis.call('ZCARD', KEYS[2]) then
  -- Redis evicted the order: without it nothing bounds the entries
  redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
  return -1
end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then
  for i = 1, 4 do redis.call('PEXPIRE', KEYS[i], ARGV[4]) end
else
  local left = redis.call('PTTL', KEYS[1])
  for i = 2, 4 do redis.call('PEXPIRE', KEYS[i], left) end
end
return evicted
""")

_DROP = """
local function drop(field)
  redis.call('ZREM', KEYS[2], field)
  redis.call('HDEL', KEYS[3], field)
  if redis.call('HDEL', KEYS[4], field) == 1 then redis.call('HINCRBY', KEYS[4], '#', 1) end
  return redis.call('HDEL', KEYS[1], field)
end
local function renew()
  -- what is being made now is not kept
  if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'v', ARGV[1]) end
end
"""

# ARGV: a random version, then fields. → how many there were
FORGET: Final = Script(
    _DROP
    + """
local dropped = 0
for i = 2, #ARGV do dropped = dropped + drop(ARGV[i]) end
renew()
return dropped
"""
)

# ARGV: a random version, the tag between NULs. → how many had it
FORGET_TAG: Final = Script(
    _DROP
    + """
local dropped, all = 0, redis.call('HGETALL', KEYS[3])
for i = 1, #all, 2 do
  if string.find(all[i + 1], ARGV[2], 1, true) then dropped = dropped + drop(all[i]) end
end
renew()
return dropped
"""
)

# ARGV: a token. The lease is given back by who holds it, nobody else.
RELEASE: Final = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")
