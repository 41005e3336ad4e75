"""What exposed units do, beside those that aren't: noted where a flag is asked, summed by unit, stored, and read.

Data flows through record (in the request) → courier (each second, as a blob) → store (the aggregator, with sample) →
read, and gather for the guard.
"""

from __future__ import annotations

from flags.cohorts.courier import flush
from flags.cohorts.record import Scope, begin, exposed, finish, measured, outcome
from flags.cohorts.store import Collector

__all__ = ["Collector", "Scope", "begin", "exposed", "finish", "flush", "measured", "outcome"]
