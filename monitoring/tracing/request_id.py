"""The id of the request that is being answered, for answers and log lines."""

from __future__ import annotations

import logging
import re
import secrets
from contextvars import ContextVar

ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")

_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """The id of this thread's request; empty outside of one."""
    return _current.get()


class Named(logging.Filter):
    """Gives every log record the `request_id` that it was written under; "-" outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current() or "-"
        return True


def begin(given: str) -> str:
    """Take the client's id when it is well-formed, else make one."""
    id = given if ACCEPTED.fullmatch(given) else secrets.token_hex(8)
    _current.set(id)
    return id
