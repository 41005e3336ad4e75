"""What a scrape is answered with: in the format that it accepts most, made at most once a second in a process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from monitoring.export import protobuf, text
from monitoring.export.collect import collect
from monitoring.export.family import Family

KEEP_S: Final = 1.0
ACCEPT_LIMIT: Final = 1000  # characters of an Accept header that are read


class Format(Enum):
    """The formats, as (media type, parameters that an Accept header must agree with, what the answer adds)."""

    TEXT = ("text/plain", {"version": "0.0.4"}, "; charset=utf-8")
    OPENMETRICS = ("application/openmetrics-text", {"version": "1.0.0"}, "; charset=utf-8")
    PROTOBUF = (
        "application/vnd.google.protobuf",
        {"proto": "io.prometheus.client.MetricFamily", "encoding": "delimited"},
        "",
    )

    @property
    def content_type(self) -> str:
        media, parameters, rest = self.value
        return "; ".join([media, *(f"{name}={value}" for name, value in parameters.items())]) + rest

    def suits(self, media: str, asked: dict[str, str]) -> bool:
        mine, parameters, _ = self.value
        if media in {"*/*", f"{mine.partition('/')[0]}/*"}:
            return self is Format.TEXT
        return media == mine and all(asked.get(name, value) == value for name, value in parameters.items())


WRITERS: Final[dict[Format, Callable[[Iterable[Family]], bytes]]] = {
    Format.TEXT: text.prometheus,
    Format.OPENMETRICS: text.openmetrics,
    Format.PROTOBUF: protobuf.delimited,
}


@dataclass(slots=True)
class _Kept:
    """The last answer of this process, in the formats that were asked for."""

    at: datetime
    families: list[Family]
    written: dict[Format, bytes] = field(default_factory=dict)


_lock = threading.Lock()
_kept: _Kept | None = None


def scrape(format: Format, *, now: datetime) -> bytes:
    """The whole export, at most a second old. Several that ask at once wait for the one that makes it."""
    global _kept
    with _lock:
        if _kept is None or not 0 <= (now - _kept.at).total_seconds() < KEEP_S:
            _kept = _Kept(now, collect(now=now))
        if format not in _kept.written:
            _kept.written[format] = WRITERS[format](_kept.families)
        return _kept.written[format]


def forget() -> None:
    """Have the next scrape made anew."""
    global _kept
    with _lock:
        _kept = None


def chosen(accept: str) -> Format:
    """The format that an Accept header wants most; plain text where it wants nothing that there is."""
    best, weight = Format.TEXT, 0.0
    for media, parameters, quality in _wanted(accept[:ACCEPT_LIMIT]):
        found = next((format for format in Format if format.suits(media, parameters)), None)
        if found is not None and quality > weight:
            best, weight = found, quality
    return best


def _wanted(accept: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for each in accept.split(","):
        media, *rest = (part.strip() for part in each.split(";"))
        parameters = {name.strip().lower(): value.strip('" ') for name, _, value in (p.partition("=") for p in rest)}
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            continue
        yield media.lower(), parameters, quality
