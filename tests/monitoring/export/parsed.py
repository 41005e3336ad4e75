"""What Prometheus' own parsers read in an export."""

from __future__ import annotations

from prometheus_client import Metric, parser
from prometheus_client.openmetrics import parser as openmetrics


def plain(written: bytes) -> list[Metric]:
    """Format 0.0.4."""
    return list(parser.text_string_to_metric_families(written.decode()))


def strict(written: bytes) -> list[Metric]:
    """OpenMetrics, whose parser refuses what the specification does."""
    return list(openmetrics.text_string_to_metric_families(written.decode()))  # type: ignore[no-untyped-call]
