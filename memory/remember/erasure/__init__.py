"""Forgetting for good: the text goes from every place that may hold it, and a search afterwards proves it.

Data flows through sought (what is looked for) → forget (the act) → rows and jobs (what is erased) → search (what is
left, place by place) → report.
"""

from __future__ import annotations

from memory.remember.erasure.forget import forget
from memory.remember.erasure.jobs import erase_exports
from memory.remember.erasure.report import also, merged_into, models_of, report, report_user
from memory.remember.erasure.rows import decisions_about

__all__ = [
    "also",
    "decisions_about",
    "erase_exports",
    "forget",
    "merged_into",
    "models_of",
    "report",
    "report_user",
]
