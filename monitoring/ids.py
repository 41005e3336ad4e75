"""Identifiers that sort by the time they were made (UUIDv7, RFC 9562 §5.7)."""

from __future__ import annotations

import os
import threading
import time
import uuid
from datetime import datetime

_lock = threading.Lock()
_last = 0


def uuid7() -> uuid.UUID:
    """A version 7 UUID: 48 bits of milliseconds, 12 bits of sub-millisecond, 62 random bits.

    Strictly increasing within a process (RFC 9562 §6.2, method 3), so keyset pages by id follow the order of creation.
    """
    global _last
    with _lock:
        # 60 bits: milliseconds, then the fraction of the millisecond in 4096ths
        ms, ns = divmod(time.time_ns(), 1_000_000)
        _last = stamp = max(_last + 1, ms << 12 | ns * 4096 // 1_000_000)
    random = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    return uuid.UUID(int=(stamp >> 12) << 80 | 7 << 76 | (stamp & 0xFFF) << 64 | 2 << 62 | random)


def first_of(moment: datetime) -> uuid.UUID:
    """The smallest id of that moment: what was made before has a smaller one."""
    return uuid.UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62))
