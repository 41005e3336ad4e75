"""What a process sends each second: one packed blob of all that it recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from monitoring.metrics.record import Delta
from monitoring.metrics.sketch import Sketch
from monitoring.tracing.slow import Slow

KEY = "metrics:blobs"  # the Redis list of blobs that are not stored yet
VERSION = 1


class MalformedBlobError(ValueError):
    """The bytes are not a blob of this version."""


@dataclass(frozen=True, slots=True)
class Blob:
    """`sequence` counts from 1 in each process, and neither it nor `second` (epoch) ever goes back."""

    process: str
    sequence: int
    second: int
    delta: Delta = field(default_factory=Delta)
    is_last: bool = False
    slow: Sequence[Slow] = ()

    def pack(self) -> bytes:
        """JSON array; a latency series is [sum of seconds, buckets, counts]. 1 to 3 KB for fifteen series."""
        latencies = {
            name: (sketch.seconds, list(sketch.buckets), list(sketch.buckets.values()))
            for name, sketch in self.delta.latencies.items()
        }
        figures = (latencies, self.delta.counters, self.delta.gauges)
        slow = [each.packed() for each in self.slow]
        return orjson.dumps((VERSION, self.process, self.sequence, self.second, self.is_last, *figures, slow))

    @classmethod
    def unpack(cls, packed: bytes) -> Blob:
        """Raises MalformedBlobError for anything that `pack` did not make."""
        try:
            return cls._read(orjson.loads(packed))
        except (ValueError, TypeError, KeyError) as error:
            raise MalformedBlobError(f"{packed[:60]!r} is not a metrics blob of version {VERSION}: {error}") from error

    @classmethod
    def _read(cls, parts: Any) -> Blob:
        # a process that was started before there was anything after them sends eight
        version, process, sequence, second, is_last, latencies, counters, gauges, *more = parts
        if version != VERSION:
            raise ValueError(f"its version is {version!r}")
        sketches = {
            name: Sketch(dict(zip(indexes, counts, strict=True)), seconds)
            for name, (seconds, indexes, counts) in latencies.items()
        }
        delta = Delta(sketches, dict(counters), dict(gauges))
        slow = [Slow.unpacked(each) for each in more[0]] if more else []
        return cls(str(process), int(sequence), int(second), delta, is_last, slow)
