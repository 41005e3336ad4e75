"""What monitoring itself can drill: that a figure gets from a process to the console, and the whole of readiness."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import Final

from monitoring import metrics
from monitoring.health.drills.drill import Drill, require
from monitoring.health.drills.registry import Spec, register
from monitoring.health.probes import checks
from monitoring.health.probes.registry import Status
from monitoring.health.readiness.assess import RuleState, assess
from monitoring.metrics import record, snapshot

BEACON: Final = "drill.beacon"
TIMED: Final = "drill.timed"
COUNTED: Final = "drill.counted"
RECORDS: Final = 1000
SEEN_S: Final = 8.0


def monitoring_setup(drill: Drill) -> None:
    """Record figures of all three kinds, and find them where the console reads them."""
    value = float(secrets.randbelow(10**6))  # figures are kept in single precision
    with drill.step("record durations, a counter and a gauge") as step:
        began = time.perf_counter()
        for _ in range(RECORDS):
            metrics.observe(TIMED, 0.01)
        per_ns = (time.perf_counter() - began) / RECORDS * 1e9
        metrics.count(COUNTED, RECORDS)
        record.sample(BEACON, value)
        step.detail = f"{RECORDS} durations"
    drill.figure("cost of observe", per_ns, "ns", 5_000)
    with drill.step("send them to Redis") as step:
        require(metrics.flush(), "Redis did not take the figures: see whether it runs and answers.")
        step.detail = "one packed blob"
    with drill.step("find them in the snapshot") as step:
        wait_s = drill.wait(
            lambda: _beacon() == value,
            at_most_s=SEEN_S,
            otherwise=f"They were not in the snapshot after {SEEN_S:g} s: start `manage.py aggregate`.",
        )
        step.detail = f"after {wait_s:.1f} s"
    drill.figure("from record to console", wait_s, "s", SEEN_S)


def production_readiness(drill: Drill) -> None:
    """Run the checks of the probes and all rules of readiness, and say what is missing."""
    now = datetime.now(UTC)
    with drill.step("run the required checks") as step:
        for name, check in (("the database", checks.database), ("the migrations", checks.migrations)):
            result = check()
            require(result.status is Status.PASS, f"{name}: {result.output}")
        step.detail = "the database answers, and all migrations are applied"
    with drill.step("assess readiness") as step:
        assessment = assess(now=now)
        counted = assessment.counted
        step.detail = ", ".join(f"{counted[state]} {state.value}" for state in RuleState)
    found = assessment.score
    drill.figure("score", found.value or 0.0, "of 100", 80, at_most=False)
    drill.figure("confidence", found.confidence, "%", 60, at_most=False)
    drill.figure("time to assess", assessment.took_ms, "ms", 200)
    with drill.step("name what to do first") as step:
        step.detail = "; ".join(f"{each.rule.title}: {each.what_to_do}" for each in assessment.top) or "nothing"
        blocking = [each for each in assessment.judged if each.rule.is_blocking and each.state is RuleState.FAILED]
        require(not blocking, f"{', '.join(each.rule.title for each in blocking)} must be put right first.")


def _beacon() -> float | None:
    taken = snapshot.latest()
    figure = taken.series.get(BEACON) if taken else None
    return figure.value if figure else None


def register_all() -> None:
    register(
        Spec(
            name="monitoring-setup",
            title="Monitoring setup",
            about="Records figures, and finds them in the snapshot that the console reads.",
            do=monitoring_setup,
        )
    )
    register(
        Spec(
            name="production-readiness-test",
            title="Production readiness",
            about="Runs the checks and all rules of readiness, and says what to do first.",
            do=production_readiness,
            method="GET",
        )
    )
