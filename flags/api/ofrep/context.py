"""What an OFREP request asks about: its context, bounded, and what the answer to it is tagged with."""

from __future__ import annotations

import hashlib
import time
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import orjson
from django.http import HttpRequest

from flags.snapshot import Snapshot

BODY_LIMIT: Final = 64 * 1024
ATTRIBUTES: Final = 100
VALUES: Final = 1000  # those within others counted
DEPTH: Final = 5
TEXT: Final = 200  # characters of a unit's id, as overrides hold it
PARSE, INVALID = "PARSE_ERROR", "INVALID_CONTEXT"


class ContextError(Exception):
    """A request that can't be evaluated: `code` is OFREP's, the message says what is wrong and what to send."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Context:
    """Whom a request is about. `digest` is that of all it says, whatever the order."""

    unit: str
    conversation: str
    attributes: Mapping[str, Any]
    digest: bytes


def read(request: HttpRequest) -> Context:
    """Raises ContextError for a body that is no JSON, too big, or holds no usable context."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > BODY_LIMIT:
        message = f"The body is over {BODY_LIMIT:,} bytes. Send only the attributes that rules ask for."
        raise ContextError(INVALID, message, status=413)
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError as problem:
        raise ContextError(PARSE, f"The body is not JSON: {problem}") from None
    if not isinstance(body, dict):
        raise ContextError(PARSE, 'The body must be an object, such as {"context": {"targetingKey": "user-7"}}.')
    return parse(body.get("context", {}))


def parse(context: Any) -> Context:
    if not isinstance(context, dict):
        raise ContextError(INVALID, f"`context` must be an object, got {type(context).__name__}.")
    if len(context) > ATTRIBUTES:
        raise ContextError(INVALID, f"A context has at most {ATTRIBUTES} attributes, got {len(context)}.")
    _bound(context)
    digest = hashlib.sha256(orjson.dumps(context, option=orjson.OPT_SORT_KEYS)).digest()
    return Context(_text(context, "targetingKey"), _text(context, "conversation"), context, digest)


def etag(known: Snapshot, context: Context, workspace: str, *, now: float | None = None) -> str:
    """Changes with any flag, with a schedule's beginning or end, and with whom is asked about; nothing is evaluated."""
    marks = _marks(known)
    passed = bisect_right(marks.edges, time.time() if now is None else now)
    asked = hashlib.sha256(marks.apart + context.digest + workspace.encode())
    return f'"{known.version}.{passed}-{asked.hexdigest()[:16]}"'


@dataclass(frozen=True, slots=True)
class _Marks:
    """What of a snapshot tags need: when schedules begin and end, and what isn't in its version."""

    of: Snapshot
    edges: tuple[float, ...]
    apart: bytes


_latest: list[_Marks] = []


def _marks(known: Snapshot) -> _Marks:
    """Those of one snapshot are worked out once."""
    latest = _latest[0] if _latest else None
    if latest is None or latest.of is not known:
        flags = known.flags.values()
        edges = sorted(edge for flag in flags for edge in (flag.starts, flag.ends) if isfinite(edge))
        # what the environment pins and the code's catalogue says change at a start, without a new version
        apart = [(flag.name, flag.everyone, str(flag.percent)) for flag in flags if flag.is_pinned or not flag.id]
        latest = _Marks(known, tuple(edges), hashlib.sha256(orjson.dumps(sorted(apart, key=str))).digest())
        _latest[:] = [latest]
    return latest


def _bound(context: dict[str, Any]) -> None:
    count, waiting = 0, [(value, 1) for value in context.values()]
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > DEPTH:
            raise ContextError(INVALID, f"Attributes may be nested {DEPTH} deep.")
        if count > VALUES:
            raise ContextError(INVALID, f"A context has at most {VALUES:,} values in all.")
        if isinstance(value, dict):
            waiting += [(each, depth + 1) for each in value.values()]
        elif isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]


def _text(context: dict[str, Any], name: str) -> str:
    value = context.get(name, "")
    if not isinstance(value, str):
        raise ContextError(INVALID, f"`{name}` must be a text, got {type(value).__name__}.")
    if len(value) > TEXT:
        raise ContextError(INVALID, f"`{name}` has at most {TEXT} characters, got {len(value):,}.")
    return value
