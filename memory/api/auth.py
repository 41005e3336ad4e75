"""Reads the key from the request: `Authorization: Bearer KEY`, or `Token KEY` as third-party clients send it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from memory.access import Caller, authenticate
from memory.errors import UnauthorisedError
from memory.models import Scope


class KeyAuth(HttpBearer):
    """Sets `request.auth` to the Caller, or raises UnauthorisedError."""

    def __call__(self, request: HttpRequest) -> Any:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in {"bearer", "token"} or not key.strip():
            raise UnauthorisedError("No API key. Send `Authorization: Bearer KEY`.")
        return self.authenticate(request, key.strip())

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        return authenticate(token, now=timezone.now())


def caller(request: HttpRequest, scope: Scope = Scope.READ) -> Caller:
    """Who calls. Raises ForbiddenError when the key's scope does not include `scope`."""
    found: Caller = request.auth  # type: ignore[attr-defined]
    found.require(scope)
    return found
