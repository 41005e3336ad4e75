"""What others may read of the metrics: Prometheus' formats at /metrics, and a summary in JSON.

Data flows through collect (with names, family) → text or protobuf → scraping; beside it state.
"""

from __future__ import annotations

from monitoring.export.scraping import Format, chosen, forget, scrape
from monitoring.export.state import Summary, summary

__all__ = ["Format", "Summary", "chosen", "forget", "scrape", "summary"]
