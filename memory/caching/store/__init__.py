"""Where entries lie: the link to Redis, the scripts that run there, an entry's bytes, the first level, the usage."""

from __future__ import annotations
