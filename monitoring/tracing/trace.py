"""The trace that the request or job going on belongs to: taken from whoever called, handed to whoever is called.

W3C Trace Context (https://www.w3.org/TR/trace-context/, §3.2): `traceparent` is version, trace id, parent id, flags.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

TRACEPARENT: Final = "traceparent"
REQUEST_ID: Final = "X-Request-ID"
CARRIED_LENGTH: Final = 120  # of a traceparent of 55 characters, a space, and a request id of at most 64
ACCEPTED: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")  # ids that callers may choose for their requests
_VERSION_0: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_LATER: Final = re.compile(r"(?!ff|00)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-[!-~]{1,400})?")

Parts = dict[str, tuple[float, int]]


@dataclass(slots=True)
class Trace:
    """One request or job: where it belongs, and by part what it has spent (seconds, times) so far."""

    trace_id: str
    span_id: str
    request_id: str
    job_id: str = ""
    is_sampled: bool = True
    parts: Parts = field(default_factory=dict, repr=False, compare=False)

    @property
    def traceparent(self) -> str:
        """What those who are called are told."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.is_sampled else '00'}"


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)
# the same function each time: looking it up on the variable is a third of its cost
current = _current.get


def begin(*, traceparent: str = "", request_id: str = "") -> Trace:
    """Begin a request: in the trace that OpenTelemetry is in, else in the caller's, else in one of its own.

    A traceparent or request id that is malformed counts as none; a request without an id is named by its span.
    """
    random = os.urandom(24).hex()
    span_id = random[32:]
    id = request_id if ACCEPTED.fullmatch(request_id) else span_id
    found = _of_opentelemetry()
    if found is not None:
        trace = Trace(found[0], found[1], id, is_sampled=found[2])
    elif above := parsed(traceparent):
        trace = Trace(above[0], span_id, id, is_sampled=above[2])
    else:
        trace = Trace(random[:32], span_id, id)
    _current.set(trace)
    return trace


def parsed(traceparent: str) -> tuple[str, str, bool] | None:
    """Trace id, parent id, and whether it is sampled; None for anything that the standard has ignored."""
    if not traceparent:
        return None
    match = _VERSION_0.fullmatch(traceparent) or _LATER.fullmatch(traceparent)
    if match is None:
        return None
    trace_id, parent_id, flags = match.groups()
    if not trace_id.strip("0") or not parent_id.strip("0"):
        return None
    return trace_id, parent_id, bool(int(flags, 16) & 1)


def traceparent() -> str:
    """For calls that go out of here; empty outside of requests and jobs."""
    trace = current()
    return trace.traceparent if trace is not None else ""


def headers() -> dict[str, str]:
    """What calls that go out of here carry, so that logs on both sides name the same trace."""
    trace = current()
    if trace is None:
        return {}
    carried = {TRACEPARENT: trace.traceparent}
    return carried | {REQUEST_ID: trace.request_id} if trace.request_id else carried


def carried() -> str:
    """What is stored with work that is done later, for `continued`; empty outside of requests and jobs."""
    trace = current()
    return f"{trace.traceparent} {trace.request_id}".rstrip() if trace is not None else ""


@contextmanager
def continued(carried: str, *, job_id: str = "") -> Iterator[Trace]:
    """The body is a step of the trace that `carried` names, or of one of its own where it names none."""
    text, _, request_id = carried.partition(" ")
    random = os.urandom(24).hex()
    if (above := parsed(text)) is None:
        trace = Trace(random[:32], random[32:], "", job_id)
    else:
        trace = Trace(above[0], random[32:], request_id if ACCEPTED.fullmatch(request_id) else "", job_id, above[2])
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)


def _of_opentelemetry() -> tuple[str, str, bool] | None:
    """Trace and span of OpenTelemetry's current span. Where nobody has imported its API, there can be none."""
    api: Any = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    context = api.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return format(context.trace_id, "032x"), format(context.span_id, "016x"), bool(context.trace_flags.sampled)
