"""Who is calling, and which rows they may see: the one place that scopes queries by workspace."""

from __future__ import annotations

import hashlib
import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db import models

from memory.errors import ForbiddenError, NotFoundError, UnauthorisedError
from memory.models import ApiKey, Scope, Workspace

KEY_PREFIX = "m0-"  # third-party clients insist on this form
CACHE_S = 5.0  # a revoked key works this much longer at most
CACHE_LIMIT = 10_000

_callers: dict[str, tuple[float, Caller]] = {}


@dataclass(frozen=True, slots=True)
class Caller:
    """A valid key: whose workspace it opens and how far."""

    workspace_id: uuid.UUID
    workspace: str
    key_id: uuid.UUID
    key: str
    scope: str
    expires_at: datetime | None

    def require(self, scope: Scope | str) -> None:
        """Raise ForbiddenError when the key's scope does not include `scope`."""
        order, needed = list(Scope), Scope(scope)
        if order.index(Scope(self.scope)) < order.index(needed):
            raise ForbiddenError(
                f"This key may only {self.scope}; the operation needs a key with scope {needed.value}."
            )


Row = TypeVar("Row", bound=models.Model)


def rows(model: type[Row], caller: Caller) -> models.QuerySet[Row]:
    """The rows of `model` in the caller's workspace: every query of a door starts here."""
    return model._default_manager.filter(workspace_id=caller.workspace_id)


def find(model: type[Row], caller: Caller, id: uuid.UUID) -> Row:
    """One row of the caller's workspace; a foreign id answers like one that does not exist."""
    found = rows(model, caller).filter(pk=id).first()
    if found is None:
        raise NotFoundError(f"No {model._meta.verbose_name} {id} in this workspace.")
    return found


def hash_key(key: str) -> str:
    # keys carry 256 random bits, so a plain hash is enough: there is nothing to guess from
    return hashlib.sha256(key.encode()).hexdigest()


def create_key(
    *, workspace: Workspace, name: str, scope: Scope = Scope.WRITE, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key: its row, and the key itself, which is not kept anywhere."""
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    row = ApiKey.objects.create(
        workspace=workspace, name=name, scope=scope, expires_at=expires_at, hash=hash_key(key), hint=key[:8]
    )
    return row, key


def authenticate(key: str, *, now: datetime) -> Caller:
    """The caller that `key` stands for, from this process's cache or the database.

    Raises UnauthorisedError with one sentence: unknown, revoked or expired key, or an inactive workspace.
    """
    digest = hash_key(key)
    kept = _callers.get(digest)
    if kept is None or kept[0] < time.monotonic():
        kept = (time.monotonic() + CACHE_S, _look_up(digest, now))
        if len(_callers) >= CACHE_LIMIT:
            _callers.clear()
        _callers[digest] = kept
    caller = kept[1]
    if caller.expires_at is not None and caller.expires_at <= now:
        raise UnauthorisedError("This API key has expired. Make a new one with `manage.py api_key create NAME`.")
    return caller


def known(key: str, *, now: datetime) -> Caller | None:
    """The caller when this process has authenticated `key` within the last seconds; asks no database."""
    kept = _callers.get(hash_key(key))
    if kept is None or kept[0] < time.monotonic():
        return None
    return kept[1] if kept[1].expires_at is None or kept[1].expires_at > now else None


def forget_callers() -> None:
    """Empty this process's cache of keys."""
    _callers.clear()


def _look_up(digest: str, now: datetime) -> Caller:
    row = ApiKey.objects.select_related("workspace").filter(hash=digest).first()
    if row is None:
        raise UnauthorisedError("Unknown API key. Send `Authorization: Bearer KEY` with a key of this installation.")
    if not row.is_valid(now):
        raise UnauthorisedError("This API key was revoked or has expired.")
    if not row.workspace.is_active:
        raise UnauthorisedError(f"The workspace {row.workspace.name} of this key is not active.")
    return Caller(row.workspace_id, row.workspace.name, row.pk, row.name, row.scope, row.expires_at)
