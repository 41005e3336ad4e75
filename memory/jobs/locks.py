"""Advisory locks of PostgreSQL, held to the end of the transaction: one user's memories change one at a time."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable

from django.db import connection

CLAIM, WRITE, KIND = 1, 2, 3


def lock_writes(workspace_id: uuid.UUID, user_id: str) -> None:
    """Wait until no other transaction decides about this user's memories."""
    lock_writes_of([(workspace_id, user_id)])


def lock_writes_of(users: Iterable[tuple[uuid.UUID, str]]) -> None:
    """The same for many users at once, in the one order that all take, so that nobody waits in a circle."""
    keys = sorted({_key(WRITE, *user) for user in users})
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(pg_advisory_xact_lock(key)) FROM unnest(%s::bigint[]) AS key", [keys])


def try_lock_kind(kind: str) -> bool:
    """Whether this transaction alone may count and claim jobs of this kind now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_key(KIND, kind)])
        return bool(cursor.fetchone()[0])


def _key(*name: object) -> int:
    # PostgreSQL's lock keys are signed 64-bit numbers; two users that share one only wait for each other
    digest = hashlib.blake2b(":".join(map(str, name)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
