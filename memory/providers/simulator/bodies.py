"""Reads the JSON body of a request, gzipped or not, within bounds."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Callable
from email.message import Message
from typing import Any, Final

MOST_BYTES: Final = 10 * 1024 * 1024


class BodyError(Exception):
    """A body that is not read; `status` is the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def read_body(headers: Message, read: Callable[[int], bytes]) -> tuple[dict[str, Any], int, int]:
    """Return the JSON object, its length in bytes, and its length on the wire. Raises BodyError."""
    if headers.get_content_type() != "application/json":
        # Pages of other origins can post forms and plain text to this machine, but no JSON without being allowed.
        raise BodyError(415, "The body must be application/json.")
    length = headers.get("Content-Length", "")
    if not length.isdecimal():
        raise BodyError(411, "The body's length must be said in Content-Length.")
    if int(length) > MOST_BYTES:
        raise BodyError(413, f"The body is larger than {MOST_BYTES} bytes.")
    sent = read(int(length))
    raw = _unpacked(sent, headers.get("Content-Encoding", "identity"))
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise BodyError(400, "The body is no JSON.") from None
    if not isinstance(document, dict):
        raise BodyError(400, "The body must be a JSON object.")
    return document, len(raw), len(sent)


def _unpacked(sent: bytes, encoding: str) -> bytes:
    if encoding == "identity":
        return sent
    if encoding != "gzip":
        raise BodyError(415, "The body's encoding must be gzip or none.")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(sent)) as packed:
            raw = packed.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise BodyError(400, "The body is no gzip.") from None
    if len(raw) > MOST_BYTES:
        raise BodyError(413, f"The unpacked body is larger than {MOST_BYTES} bytes.")
    return raw
