"""The id of the request that is being answered, or that a job was submitted by."""

from __future__ import annotations

from monitoring.tracing import trace


def current() -> str:
    """The id of this thread's request; empty outside of one."""
    found = trace.current()
    return found.request_id if found is not None else ""


def begin(given: str) -> str:
    """Take the client's id when it is well-formed, else make one."""
    return trace.begin(request_id=given).request_id
