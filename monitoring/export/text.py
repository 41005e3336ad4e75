"""Writes families as text: Prometheus' own format 0.0.4, and OpenMetrics 1.0.0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from monitoring.export.family import Exemplar, Family, Histogram, Labels, Sample, Type


def prometheus(families: Iterable[Family]) -> bytes:
    """Format 0.0.4: counters are named `_total` in HELP and TYPE too, and nothing says since when they count."""
    lines: list[str] = []
    for family in families:
        name = f"{family.name}_total" if family.type is Type.COUNTER else family.name
        lines += [f"# HELP {name} {_helped(family.help)}", f"# TYPE {name} {family.type}"]
        for sample in family.samples:
            if sample.histogram is not None:
                lines += _histogram(name, sample.labels, sample.histogram, has_exemplars=False)
            else:
                lines.append(f"{name}{_labelled(sample.labels)} {_number(sample.value)}")
    return _joined(lines)


def openmetrics(families: Iterable[Family]) -> bytes:
    lines: list[str] = []
    for family in families:
        name = family.name
        lines += [f"# HELP {name} {_helped(family.help)}", f"# TYPE {name} {family.type}"]
        if family.unit:
            lines.append(f"# UNIT {name} {family.unit}")
        for sample in family.samples:
            lines += _sample(family, sample)
    return _joined([*lines, "# EOF"])


def _sample(family: Family, sample: Sample) -> Iterator[str]:
    labels = _labelled(sample.labels)
    if sample.histogram is not None:
        yield from _histogram(family.name, sample.labels, sample.histogram, has_exemplars=True)
    else:
        suffix = "_total" if family.type is Type.COUNTER else ""
        yield f"{family.name}{suffix}{labels} {_number(sample.value)}"
    if sample.since is not None:
        yield f"{family.name}_created{labels} {_number(sample.since)}"


def _histogram(name: str, labels: Labels, histogram: Histogram, *, has_exemplars: bool) -> Iterator[str]:
    rest = sorted(histogram.exemplars if has_exemplars else (), key=lambda exemplar: -exemplar.value)
    counted = histogram.count
    for bound, reached in (*histogram.cumulative(), (float("inf"), counted)):
        shown = None  # of those in this bucket the longest
        while rest and rest[-1].value <= bound:
            shown = rest.pop()
        le = "+Inf" if bound == float("inf") else repr(bound)
        yield f"{name}_bucket{_labelled((*labels, ('le', le)))} {reached}{_exemplar(shown)}"
    yield f"{name}_count{_labelled(labels)} {counted}"
    yield f"{name}_sum{_labelled(labels)} {_number(histogram.seconds)}"


def _exemplar(exemplar: Exemplar | None) -> str:
    if exemplar is None:
        return ""
    return f' # {{trace_id="{_escaped(exemplar.trace_id)}"}} {_number(exemplar.value)} {exemplar.at:.3f}'


def _labelled(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _helped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return repr(float(value))


def _joined(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
