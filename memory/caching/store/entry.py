"""An entry's bytes: a marker, until when it is fresh, and the value, compressed where that pays."""

from __future__ import annotations

import struct
import threading
import zlib
from typing import Final

import zstandard

HEADER: Final = struct.Struct("<cd")  # marker, fresh until (epoch seconds)
RAW, ZSTD, ZLIB = b"r", b"z", b"d"
# zstd at its fastest: a third of zlib's time at about the same size
LEVEL: Final = 1


class EntryError(ValueError):
    """Bytes that are no entry: written by another version, or damaged."""


class _Local(threading.local):
    """Compressors are not safe for threads, and dear to make."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_local = _Local()


def pack(value: bytes, *, fresh_until: float, over: int, codec: bytes = ZSTD) -> bytes:
    """The bytes to store. Values of more than `over` bytes are compressed, unless they get no smaller."""
    if len(value) > over:
        small = _local.compressor.compress(value) if codec == ZSTD else zlib.compress(value, 1)
        if len(small) < len(value):
            return HEADER.pack(codec, fresh_until) + small
    return HEADER.pack(RAW, fresh_until) + value


def fresh_until(stored: bytes) -> float:
    """Epoch seconds. Raises EntryError."""
    try:
        until: float = HEADER.unpack_from(stored)[1]
    except struct.error:
        raise EntryError("too short for an entry") from None
    return until


def unpack(stored: bytes) -> bytes:
    """The value. Raises EntryError."""
    marker, body = stored[:1], stored[HEADER.size :]
    if marker == RAW:
        return body
    try:
        if marker == ZSTD:
            return bytes(_local.decompressor.decompress(body))
        if marker == ZLIB:
            return zlib.decompress(body)
    except (zstandard.ZstdError, zlib.error) as problem:
        raise EntryError("damaged") from problem
    raise EntryError(f"unknown marker {marker!r}")
