"""Reads server-sent events: the form in which chat models stream (WHATWG HTML §9.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from memory.providers.base import ProviderBadAnswerError

EVENT_LIMIT: Final = 1024 * 1024


def event_data(parts: Iterable[bytes]) -> Iterator[str]:
    """The data of each event, in order. Raises ProviderBadAnswerError for an event of more than 1 MiB."""
    data: list[str] = []
    size = 0
    for line in _lines(parts):
        if not line:
            if data:
                yield "\n".join(data)
            data, size = [], 0
            continue
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" ").decode("utf-8", "replace"))
            size += len(value)
            _require(size)


def _lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        _require(len(rest))
        yield from (line.removesuffix(b"\r") for line in lines)


def _require(size: int) -> None:
    if size > EVENT_LIMIT:
        raise ProviderBadAnswerError(f"an event of the stream is larger than {EVENT_LIMIT} bytes")
