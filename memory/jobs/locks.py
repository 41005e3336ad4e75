"""Advisory locks of PostgreSQL, held to the end of the transaction: one user's memories change one at a time."""

from __future__ import annotations

import hashlib
import uuid

from django.db import connection

CLAIM, WRITE = 1, 2


def lock_writes(workspace_id: uuid.UUID, user_id: str) -> None:
    """Wait until no other transaction decides about this user's memories."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_key(WRITE, workspace_id, user_id)])


def try_lock_claims(workspace_id: uuid.UUID, user_id: str) -> bool:
    """Whether this transaction alone may claim the user's jobs now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_key(CLAIM, workspace_id, user_id)])
        return bool(cursor.fetchone()[0])


def _key(kind: int, workspace_id: uuid.UUID, user_id: str) -> int:
    # PostgreSQL's lock keys are signed 64-bit numbers; two users that share one only wait for each other
    digest = hashlib.blake2b(f"{kind}:{workspace_id}:{user_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
