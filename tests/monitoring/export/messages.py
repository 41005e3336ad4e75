"""Prometheus' protobuf messages, declared as prometheus/client_model does, for Google's library to read ours."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal.decoder import _DecodeVarint32

KINDS = {"string": 9, "double": 1, "uint64": 4, "sint32": 17, "uint32": 13, "int32": 5, "int64": 3, "sint64": 18}

# message: its fields as "number name type", a * for repeated
SCHEMA = {
    "LabelPair": ("1 name string", "2 value string"),
    "Timestamp": ("1 seconds int64", "2 nanos int32"),
    "Gauge": ("1 value double",),
    "Counter": ("1 value double", "3 created_timestamp Timestamp"),
    "Exemplar": ("1 label *LabelPair", "2 value double", "3 timestamp Timestamp"),
    "Bucket": ("1 cumulative_count uint64", "2 upper_bound double"),
    "BucketSpan": ("1 offset sint32", "2 length uint32"),
    "Histogram": (
        *("1 sample_count uint64", "2 sample_sum double", "3 bucket *Bucket", "5 schema sint32"),
        *("6 zero_threshold double", "7 zero_count uint64", "12 positive_span *BucketSpan"),
        *("13 positive_delta *sint64", "15 created_timestamp Timestamp", "16 exemplars *Exemplar"),
    ),
    "Metric": ("1 label *LabelPair", "2 gauge Gauge", "3 counter Counter", "7 histogram Histogram"),
    "MetricFamily": ("1 name string", "2 help string", "3 type int32", "4 metric *Metric", "5 unit string"),
}


def _declared() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="metrics.proto", package="tests", syntax="proto2")
    for message, fields in SCHEMA.items():
        declared = file.message_type.add(name=message)
        for number, name, kind in (field.split() for field in fields):
            plain = kind.lstrip("*")
            field = declared.field.add(name=name, number=int(number), label=3 if kind != plain else 1)
            if plain in KINDS:
                field.type = KINDS[plain]
            else:
                field.type, field.type_name = 11, f".tests.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tests.MetricFamily"))


MetricFamily = _declared()


def read(delimited: bytes) -> dict[str, Any]:
    """The families by name."""
    found, position = {}, 0
    while position < len(delimited):
        length, position = _DecodeVarint32(delimited, position)
        family = MetricFamily.FromString(delimited[position : position + length])
        assert not family.FindInitializationErrors()
        found[family.name] = family
        position += length
    return found


def native(histogram: Any) -> dict[int, int]:
    """The positive buckets of a native histogram by index, as Prometheus reads them."""
    buckets, index, count, deltas = {}, 0, 0, iter(histogram.positive_delta)
    for span in histogram.positive_span:
        index += span.offset
        for _ in range(span.length):
            count += next(deltas)
            buckets[index] = count
            index += 1
    assert next(deltas, None) is None
    return buckets
