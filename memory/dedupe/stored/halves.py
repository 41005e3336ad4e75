"""Writes vectors the two ways in which PostgreSQL reads a halfvec: as text in statements, as bytes in a binary COPY."""

from __future__ import annotations

import struct
from functools import cache

import numpy as np
from numpy.typing import NDArray


def as_texts(rows: NDArray[np.float32]) -> list[str]:
    """Each row of shape (n, dimensions) as `[0.1,0.2]`."""
    # a number of 16 bits has one of 65,536 spellings: to look it up is six times as fast as to format it
    spelling = _spellings().__getitem__
    bits = np.asarray(rows, dtype=np.float16).view(np.uint16).tolist()
    return [f"[{','.join(map(spelling, row))}]" for row in bits]


def as_bytes(rows: NDArray[np.float32]) -> list[bytes]:
    """Each row of shape (n, dimensions) as pgvector's halfvec_recv reads it: dimensions, 0, big-endian halves."""
    head = struct.pack(">HH", rows.shape[1] if rows.ndim == 2 else 0, 0)
    return [head + row.tobytes() for row in rows.astype(">f2")]


@cache
def _spellings() -> list[str]:
    """How each half is written, by its bits: 5 digits tell all halves apart."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    with np.errstate(invalid="ignore"):  # some of the patterns are signalling NaNs
        return [f"{value:.5g}" for value in halves.astype(np.float64).tolist()]
