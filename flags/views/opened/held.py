"""The times in which a flag's plan was held, as charts tint them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from monitoring import audit
from monitoring.console.charts import UTC_FORM
from monitoring.metrics.read import Span

MOST: Final = 100  # steps of a plan that are looked through
BEFORE: Final = timedelta(days=14)  # a hold that began earlier is not told of
HOLD: Final = "plan.hold"


def spans(name: str, span: Span, *, is_held: bool) -> list[dict[str, str]]:
    """From each hold to whatever was done to the plan next; the last one lasts while the plan is held."""
    entries = audit.find(start=span.start - BEFORE, end=span.end, action="plan", subject=name)[:MOST]
    found, since = [], None
    for entry in reversed(entries):
        if entry.action == HOLD:
            since = since or entry.at  # a second cause of the same hold begins no other one
        elif since:
            found.append((since, entry.at))
            since = None
    if since and is_held:
        found.append((since, span.end))
    return [_drawn(max(begin, span.start), end) for begin, end in found if end > span.start]


def _drawn(start: datetime, end: datetime) -> dict[str, str]:
    return {"from": f"{start:{UTC_FORM}}", "to": f"{end:{UTC_FORM}}", "tone": "warn", "text": "held"}
