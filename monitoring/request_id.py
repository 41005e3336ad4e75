"""The id of the request that is being answered, for answers and log lines."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")

_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """The id of this thread's request; empty outside of one."""
    return _current.get()


def begin(given: str) -> str:
    """Take the client's id when it is well-formed, else make one."""
    id = given if ACCEPTED.fullmatch(given) else secrets.token_hex(8)
    _current.set(id)
    return id
