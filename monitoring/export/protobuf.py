"""Writes families as Prometheus' protobuf messages, the one format that carries native histograms.

Hand-encoded: `io.prometheus.client.MetricFamily` needs few fields, whose numbers are those of prometheus/client_model's
metrics.proto. A histogram has its classic buckets and its native ones, of schema 5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

from monitoring.export.family import Exemplar, Family, Histogram, Labels, Sample, Type

SCHEMA: Final = 5
ZERO_THRESHOLD: Final = 2.0**-30  # the upper bound of the lowest bucket
TYPES: Final = {Type.COUNTER: 0, Type.GAUGE: 1, Type.HISTOGRAM: 4}
VARINT, DOUBLE, BYTES = 0, 1, 2  # wire types


def delimited(families: Iterable[Family]) -> bytes:
    """Each message after its length."""
    return b"".join(_varint(len(message)) + message for message in map(_family, families))


def _family(family: Family) -> bytes:
    name = f"{family.name}_total" if family.type is Type.COUNTER else family.name
    head = _text(1, name) + _text(2, family.help) + _number(3, TYPES[family.type])
    metrics = b"".join(_bytes(4, _metric(family.type, sample)) for sample in family.samples)
    return head + metrics + (_text(5, family.unit) if family.unit else b"")


def _metric(type: Type, sample: Sample) -> bytes:
    labels = _labels(sample.labels)
    if sample.histogram is not None:
        return labels + _bytes(7, _histogram(sample.histogram, sample.since))
    if type is Type.GAUGE:
        return labels + _bytes(2, _double(1, sample.value))
    return labels + _bytes(3, _double(1, sample.value) + _time(3, sample.since))


def _histogram(histogram: Histogram, since: float | None) -> bytes:
    counted = histogram.count
    classic = b"".join(
        _bytes(3, _number(1, reached) + _double(2, bound))
        for bound, reached in (*histogram.cumulative(), (float("inf"), counted))
    )
    spans, deltas = _sparse(histogram.positive())
    native = _number(5, _zigzag(SCHEMA)) + _double(6, ZERO_THRESHOLD) + _number(7, histogram.zeros)
    native += b"".join(_bytes(12, _number(1, _zigzag(offset)) + _number(2, length)) for offset, length in spans)
    native += _bytes(13, b"".join(_varint(_zigzag(delta)) for delta in deltas)) if deltas else b""
    exemplars = b"".join(_bytes(16, _exemplar(exemplar)) for exemplar in histogram.exemplars)
    return _number(1, counted) + _double(2, histogram.seconds) + classic + native + _time(15, since) + exemplars


def _sparse(buckets: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], list[int]]:
    """Runs of buckets as (gap since the run before, length), and each count less the one before."""
    spans: list[tuple[int, int]] = []
    deltas: list[int] = []
    follows = before = 0
    for index, count in buckets:
        if spans and index == follows:
            spans[-1] = spans[-1][0], spans[-1][1] + 1
        else:
            spans.append((index - follows, 1))
        deltas.append(count - before)
        follows, before = index + 1, count
    return spans or [(0, 0)], deltas  # without observations an empty span says that it is native


def _exemplar(exemplar: Exemplar) -> bytes:
    return _labels((("trace_id", exemplar.trace_id),)) + _double(2, exemplar.value) + _time(3, exemplar.at)


def _labels(labels: Labels) -> bytes:
    return b"".join(_bytes(1, _text(1, name) + _text(2, value)) for name, value in labels)


def _time(field: int, at: float | None) -> bytes:
    """A google.protobuf.Timestamp."""
    if at is None:
        return b""
    whole = int(at)
    return _bytes(field, _number(1, whole) + _number(2, int((at - whole) * 1e9)))


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | BYTES) + _varint(len(content)) + content


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | DOUBLE) + struct.pack("<d", value)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | VARINT) + _varint(value)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _varint(value: int) -> bytes:
    return bytes(_septets(value))


def _septets(value: int) -> Iterator[int]:
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value
