"""Plans whose cohorts are rows: what units did, at once instead of minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from flags import plan, snapshot
from flags.change import Person
from flags.guard.verdict import Verdict
from flags.models import CohortMinute, CohortUnit, Flag, RolloutPlan
from tests.flags.cohorts.make import make_share, make_unit

BEGAN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ADA = Person("ada", may_change=True, may_approve=True)
BOB = Person("bob", may_change=True, may_approve=False)
BECAUSE = "Try it on a few of them first."
STAGES = ((10, 5), (50, 10), (100, 5))
LATER = BEGAN + timedelta(days=3)


def begin(flag: Flag, **fields: Any) -> RolloutPlan:
    asked: dict[str, Any] = {"stages": STAGES, "by": ADA, "reason": BECAUSE, "now": BEGAN}
    made = plan.start(flag.name, **asked | fields)
    snapshot.forget()
    return made


def measure(
    flag: Flag,
    *,
    exposed: int = 60,
    control: int = 540,
    slower: float = 1.0,
    errors: float = 10.0,
    control_errors: float = 10.0,
    last_at: datetime = LATER,
) -> None:
    """A hundred requests of each unit under the flag's version now; `slower` is what being exposed multiplies."""
    flag.refresh_from_db()
    rng = np.random.default_rng(flag.version)
    make_share(flag, flag.version, str(flag.share))
    rows = []
    for number in range(exposed + control):
        is_exposed = number < exposed
        ms = rng.normal(np.log(200), 0.1) + (np.log(slower) if is_exposed else 0)
        failed = int(rng.poisson(errors if is_exposed else control_errors))
        sums = {"requests": 100, "log_latency": 100 * ms, "slow": int(rng.poisson(20)), "errors": failed}
        rows.append(make_unit(flag, f"u{number}", save=False, is_exposed=is_exposed, last_at=last_at, **sums))
    CohortUnit.objects.bulk_create(rows)
    for is_exposed, units, failing in ((True, exposed, errors), (False, control, control_errors)):
        CohortMinute.objects.update_or_create(
            flag=flag,
            minute=BEGAN,
            is_exposed=is_exposed,
            defaults={"requests": 100 * units, "errors": int(failing * units), "failing": [f"u{n}" for n in range(9)]},
        )


def looks(made: RolloutPlan, count: int, *, first: int = 1) -> list[Verdict | None]:
    """`count` looks, a minute apart, the first in that minute of the plan. The plan is read anew after them."""
    found = []
    for minute in range(first, first + count):
        found.append(plan.look(made, now=BEGAN + timedelta(minutes=minute)))
        snapshot.forget()
    made.refresh_from_db()
    return found


def minute(number: float) -> datetime:
    return BEGAN + timedelta(minutes=number)
