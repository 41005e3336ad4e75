"""People and measured units, as tests of changes need them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flags.change import Person
from flags.models import CohortUnit, Flag

NOW = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
WHY = "the test says so"
ANA = Person("ana", may_change=True, may_approve=False)
BEN = Person("ben", may_change=True, may_approve=True)
EVE = Person("eve", may_change=False, may_approve=False)
DID: dict[str, Any] = {"by": ANA, "reason": WHY, "now": NOW}


def make_unit(flag: Flag, unit: str, **fields: Any) -> CohortUnit:
    """Seen ten minutes ago, for an hour, sixty times."""
    last_at = fields.pop("last_at", NOW - timedelta(minutes=10))
    defaults = {
        "version": flag.version,
        "is_exposed": False,
        "requests": 60,
        "first_at": last_at - timedelta(hours=1),
        "last_at": last_at,
    }
    return CohortUnit(flag=flag, unit=unit, **defaults | fields)
