from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitoring.export import protobuf, text
from monitoring.export.family import BOUNDS, Exemplar, Family, Histogram, Sample, Type
from monitoring.metrics.sketch import BASE, Sketch, quantiles
from monitoring.models import SlowRequest
from tests.monitoring.blobs import NOON, moment
from tests.monitoring.export import catalogue, messages, parsed

durations = st.lists(st.floats(min_value=0, max_value=1e5) | st.just(2.0**-5), min_size=1, max_size=60)


def family(seconds: Iterable[float], exemplars: tuple[Exemplar, ...] = ()) -> Family:
    sketch = Sketch.of(seconds)
    labels = (("operation", 'a "quoted"\\\nname'),)
    sample = Sample(labels, since=NOON, histogram=Histogram(sketch.buckets, sketch.seconds, exemplars))
    return Family("holdfast_test_seconds", Type.HISTOGRAM, "A \\ test.", [sample])


def lines(found: Any, name: str) -> dict[str, float]:
    """The samples of that name by their `le`."""
    return {sample.labels.get("le", ""): sample.value for sample in found.samples if sample.name == name}


@given(durations)
@example([])
def test_the_parsers_read_back_exactly_what_was_observed(seconds: list[float]) -> None:
    written = family(seconds)
    (plain,) = parsed.plain(text.prometheus([written]))
    (strict,) = parsed.strict(text.openmetrics([written]))
    for found in (plain, strict):
        buckets = lines(found, "holdfast_test_seconds_bucket")
        counts = list(buckets.values())
        assert counts == sorted(counts)
        assert buckets["+Inf"] == lines(found, "holdfast_test_seconds_count")[""] == len(seconds)
        assert lines(found, "holdfast_test_seconds_sum")[""] == pytest.approx(sum(seconds))
        for bound in BOUNDS:
            assert buckets[repr(bound)] == sum(each <= bound for each in seconds), bound
        assert found.samples[0].labels["operation"] == 'a "quoted"\\\nname'
    assert strict.unit == "seconds"


@given(durations)
def test_native_buckets_are_those_of_schema_5(seconds: list[float]) -> None:
    (found,) = messages.read(protobuf.delimited([family(seconds)])).values()
    histogram = found.metric[0].histogram
    buckets = messages.native(histogram)
    assert (histogram.schema, histogram.zero_threshold) == (5, 2.0**-30)
    assert histogram.sample_count == len(seconds) == sum(buckets.values()) + histogram.zero_count
    assert histogram.sample_sum == pytest.approx(sum(seconds))
    assert histogram.bucket[-1].upper_bound == math.inf
    assert histogram.bucket[-1].cumulative_count == len(seconds)
    for index, count in buckets.items():
        inside = [s for s in seconds if BASE ** (index - 1) * (1 - 1e-12) < s <= BASE**index * (1 + 1e-12)]
        assert count <= len(inside), index


def test_quantiles_of_native_buckets_are_within_the_promised_error() -> None:
    seconds = sorted(0.004 * 1.0007**n for n in range(10_000))
    (found,) = messages.read(protobuf.delimited([family(seconds)])).values()
    read = quantiles(messages.native(found.metric[0].histogram), (0.5, 0.95, 0.99))
    assert read == pytest.approx([seconds[4999], seconds[9499], seconds[9899]], rel=0.011)


def test_a_histogram_without_observations_is_still_native() -> None:
    (found,) = messages.read(protobuf.delimited([family([])])).values()
    histogram = found.metric[0].histogram
    assert [(span.offset, span.length) for span in histogram.positive_span] == [(0, 0)]


def test_an_exemplar_stands_at_its_bucket_with_its_trace() -> None:
    slow, slower = (Exemplar(digit * 32, value, NOON + 0.5) for digit, value in (("a", 0.7), ("b", 0.9)))
    written = family([0.01, 0.7, 0.9], (slow, slower))
    (strict,) = parsed.strict(text.openmetrics([written]))
    shown = [(sample.labels["le"], sample.exemplar) for sample in strict.samples if sample.exemplar]
    assert [(le, each.labels, each.value) for le, each in shown] == [("1.0", {"trace_id": "b" * 32}, 0.9)]
    assert b"trace_id" not in text.prometheus([written])
    (found,) = messages.read(protobuf.delimited([written])).values()
    exemplars = found.metric[0].histogram.exemplars
    assert [(each.label[0].value, each.value) for each in exemplars] == [("a" * 32, 0.7), ("b" * 32, 0.9)]
    assert (exemplars[0].timestamp.seconds, exemplars[0].timestamp.nanos) == (NOON, 500_000_000)


@pytest.mark.django_db
def test_every_series_of_the_catalogue_is_exported_in_every_format() -> None:
    fields = {"operation": "operation.assemble_context", "seconds": 0.4, "trace_id": "c" * 32}
    SlowRequest.objects.create(at=moment(NOON - 30), **fields)
    families = catalogue.exported()

    plain = parsed.plain(text.prometheus(families))
    strict = parsed.strict(text.openmetrics(families))
    proto = messages.read(protobuf.delimited(families))
    assert [each.name for each in strict] == [each.name for each in families]
    assert len(plain) == len(strict) == len(proto)
    samples = [sample for each in strict for sample in each.samples]
    totals = [sample for sample in samples if sample.name.endswith("_total")]
    counts = [sample for sample in samples if sample.name.endswith("_count")]
    assert (len(totals), {sample.value for sample in totals}) == (len(catalogue.COUNTERS), {2.0})
    assert (len(counts), {sample.value for sample in counts}) == (len(catalogue.LATENCIES), {2.0})
    values = {(s.name, *s.labels.values()): s.value for s in samples}
    assert values["holdfast_queue_depth", "high"] == values["holdfast_queue_oldest_seconds", "bulk"] == 3
    assert values["holdfast_operation_answers_total", "list_memories.get", "5xx"] == 2
    assert values["holdfast_breaker_state", "provider.mcp", "closed"] == 1
    assert values["holdfast_breaker_state", "provider.mcp", "open"] == 0
    assert values["holdfast_processes_reporting",] == values["holdfast_processes_expected",] == 1
    assert values["holdfast_snapshot_age_seconds",] == 1
    assert values["holdfast_export_dropped",] == 0
    assert [s.exemplar.labels["trace_id"] for s in samples if s.exemplar] == ["c" * 32]
    operations = proto["holdfast_operation_seconds"].metric
    assert {metric.label[0].value for metric in operations} == set(catalogue.OPERATIONS)
