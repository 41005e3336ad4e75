"""Flags in every state, with an hour of cohorts, plans, their history and what their guards saw."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from flags import bucketing, snapshot
from flags.models import CohortMinute, CohortUnit, Flag, FlagChange, Kind, Override, RolloutPlan, Stage, Unit
from monitoring import audit
from monitoring.metrics.record import Delta
from monitoring.metrics.sketch import Sketch
from tests.monitoring.kept import record_once

HOUR_S: Final = 3600
EVERY_S: Final = 30
UNITS: Final = 60  # of each flag that are measured one by one
SPELL_S: Final = 1380  # how long ago everything was slow
NOTES: Final = {
    "batch_processing": "Bulk dedup and extraction jobs",
    "enhanced_prompts": "Richer context blocks before each call",
    "chatgpt_memory": "Long-term memory extraction",
    "real_time_dedup": "Merge near-duplicates on write",
    "circuit_breakers": "Fail fast on sick dependencies",
}
METRICS: Final = {
    "latency": {
        "ratio": 1.041,
        "low": 1.012,
        "high": 1.071,
        "e_harm": 1.6,
        "e_safe": 38.0,
        "margin": 1.1,
        "floor": 1.03,
    },
    "slow": {"ratio": 1.08, "low": 0.97, "high": 1.2, "e_harm": 0.4, "e_safe": 71.0, "margin": 1.25, "floor": 1.1},
    "errors": {"ratio": 1.1, "low": 0.83, "high": 1.52, "e_harm": 0.7, "e_safe": 3.1, "margin": 1.5, "floor": 1.1},
}
HARM: Final = {"ratio": 1.93, "low": 1.41, "high": 2.6, "e_harm": 412.0, "e_safe": 0.0, "margin": 1.5, "floor": 1.1}


def fill(*, now: datetime) -> dict[str, Flag]:
    """The design's story: one flag soaks at 25 %, one was rolled back, one soaks at 10 %, two are complete."""
    flags = {
        "batch_processing": _flag("batch_processing", 0, kind=Kind.OPERATIONAL),
        "enhanced_prompts": _flag("enhanced_prompts", 25, owner="memory", version=9),
        "chatgpt_memory": _flag("chatgpt_memory", 10, version=4),
        "real_time_dedup": _flag("real_time_dedup", 100),
        "circuit_breakers": _flag("circuit_breakers", 100, unit=Unit.SERVICE, kind=Kind.SAFETY, is_locked=True),
    }
    _soaking(flags["enhanced_prompts"], now)
    _rolled_back(flags["batch_processing"], now)
    _other(flags["chatgpt_memory"], now)
    Override.objects.create(
        flag=flags["enhanced_prompts"], unit="u-4000", is_on=True, actor="ops", reason="Pilot user", at=now
    )
    measured(flags["enhanced_prompts"], now=now, a_minute=6180)
    measured(flags["chatgpt_memory"], now=now, a_minute=2470)
    measured(flags["real_time_dedup"], now=now, a_minute=24_720)
    record_arms("enhanced_prompts", now=now)
    snapshot.forget()
    return flags


def make_plan(
    flag: Flag, *, now: datetime, at: int, stages: Iterable[tuple[float, float]], **fields: Any
) -> RolloutPlan:
    """One that stands at its stage number `at`, those before passed."""
    given: dict[str, Any] = {
        "state": RolloutPlan.State.RUNNING,
        "starts_at": now - timedelta(days=3),
        "created_at": now - timedelta(days=3),
        "began_version": 2,
        "flag_version": flag.version,
        "stage": at,
        "actor": "ops",
        "reason": "The prompts are ready for everybody",
    }
    plan = RolloutPlan.objects.create(flag=flag, **given | fields)
    for number, (percent, dwell) in enumerate(stages, 1):
        began = now - timedelta(hours=46 * (at - number)) - timedelta(minutes=34) if number <= at else None
        Stage.objects.create(
            plan=plan,
            number=number,
            percent=Decimal(str(percent)),
            dwell_min=dwell,
            soaked_min=dwell if number < at else 34 if number == at else 0,
            began_at=began,
            ended_at=now if number < at else None,
            is_certified=number < at,
        )
    return plan


def evidence(**metrics: Any) -> dict[str, Any]:
    """As a look leaves it."""
    return {
        "metrics": METRICS | metrics,
        "thresholds": {"harm": 60.0, "safe": 60.0, "warning": 5.0},
        "sample_ratio": {"e": 0.4, "threshold": 1000.0},
        "arms": {"exposed": {"units": 9741, "requests": 370_820}, "control": {"units": 29_199, "requests": 1_112_400}},
    }


def changed(flag: Flag, *, at: datetime, before: Any, after: Any, **fields: Any) -> FlagChange:
    """One that moved the share."""
    given: dict[str, Any] = {
        "version": flag.version,
        "action": FlagChange.Action.RAISE,
        "before": {"percent": str(before)},
        "after": {"percent": str(after)},
        "actor": "ops",
        "reason": "44 h clean at 10 %, p95 inside budget",
    }
    return FlagChange.objects.create(flag=flag, name=flag.name, at=at, **given | fields)


def measured(flag: Flag, *, now: datetime, a_minute: int) -> None:
    """The last hour of its cohorts: as many requests a minute, and some units."""
    share = float(flag.share) / 100
    minute = now.replace(second=0, microsecond=0)
    arms = [is_exposed for is_exposed in (True, False) if (share if is_exposed else 1 - share)]
    CohortMinute.objects.bulk_create(
        CohortMinute(
            flag=flag,
            minute=minute - timedelta(minutes=ago),
            is_exposed=is_exposed,
            requests=round(a_minute * (share if is_exposed else 1 - share)),
        )
        for ago in range(60)
        for is_exposed in arms
    )
    CohortUnit.objects.bulk_create(
        CohortUnit(
            flag=flag,
            version=flag.version,
            unit=f"u-{4000 + n}",
            is_exposed=bucketing.bucket(flag.salt, f"u-{4000 + n}") < bucketing.threshold(flag.share),
            requests=20,
            first_at=now - timedelta(minutes=30),
            last_at=now - timedelta(minutes=1),
        )
        for n in range(UNITS)
    )


def record_arms(name: str, *, now: datetime) -> None:
    """An hour of both arms, slow together for a while."""
    chance = random.Random(11)
    record_once(
        "web:1:cohorts",
        lambda ago_s: _delta(name, chance, ago_s),
        key=f"arms {name}",
        until=int(now.timestamp()),
        seconds=HOUR_S,
        every_s=EVERY_S,
    )


def _delta(name: str, chance: random.Random, ago_s: int) -> Delta:
    spell = math.exp(-(((ago_s - SPELL_S) / 150) ** 2))
    sketches, counters = {}, {}
    for arm, size, factor, failing in (("exposed", 160, 1.16, 0.0058), ("control", 400, 1.0, 0.0051)):
        middle = math.log(0.048 * factor * (1 + 0.45 * spell + 0.06 * math.sin(ago_s / 260)))
        times = [chance.lognormvariate(middle, 0.32) for _ in range(size)]
        sketches[f"cohort.{name}.{arm}"] = Sketch.of(times)
        counters[f"cohort.{name}.{arm}.errors"] = float(sum(chance.random() < failing + 0.011 * spell for _ in times))
    return Delta(sketches, counters, {})


def _flag(name: str, percent: float, **fields: Any) -> Flag:
    version = fields.pop("version", 3)
    flag = Flag(
        name=name, percent=Decimal(str(percent)), note=NOTES[name], **{"salt": name, "owner": "memory"} | fields
    )
    flag.save()
    Flag.objects.filter(pk=flag.pk).update(version=version)
    flag.refresh_from_db()
    return flag


def _soaking(flag: Flag, now: datetime) -> None:
    make_plan(
        flag,
        now=now,
        at=3,
        stages=((1, 120), (10, 2640), (25, 60), (50, 240), (100, 60)),
        looks=34,
        looked_at=now - timedelta(seconds=20),
        said="26 of 60 minutes are left at 25 %.",
        evidence=evidence(),
    )
    guard = {
        "actor": "guard",
        "action": FlagChange.Action.ROLL_BACK,
        "reason": "Latency is 12.3 % above control's (e-value of harm 140).",
    }
    changed(flag, at=now - timedelta(days=4), before=10, after=1, version=flag.version - 2, **guard)
    changed(
        flag,
        at=now - timedelta(days=2),
        before=1,
        after=10,
        version=flag.version - 1,
        actor="admin",
        reason="Retry after prompt size fix",
    )
    changed(flag, at=now - timedelta(minutes=34), before=10, after=25)
    start = now - timedelta(seconds=SPELL_S)
    for minutes, action in ((-2, "plan.hold"), (2, "plan.resume")):
        audit.record(
            actor="guard",
            action=action,
            subject=flag.name,
            reason="Incidents are open.",
            at=start + timedelta(minutes=minutes),
        )


def _rolled_back(flag: Flag, now: datetime) -> None:
    at = now - timedelta(minutes=23)
    said = "The error rate is 93 % above control's (e-value of harm 412)."
    plan = make_plan(
        flag, now=now, at=3, stages=((1, 10), (10, 30), (50, 60), (100, 60)), looks=61, looked_at=at, said=said
    )
    RolloutPlan.objects.filter(pk=plan.pk).update(
        state=RolloutPlan.State.ROLLED_BACK, ended_at=at, evidence=evidence(errors=HARM)
    )
    guard = {"actor": "guard", "action": FlagChange.Action.ROLL_BACK, "reason": said}
    changed(flag, at=at, before=50, after=0, **guard)


def _other(flag: Flag, now: datetime) -> None:
    make_plan(
        flag,
        now=now,
        at=2,
        stages=((1, 60), (10, 240), (50, 240), (100, 60)),
        looks=51,
        looked_at=now,
        evidence=evidence(),
    )
    changed(flag, at=now - timedelta(minutes=51), before=1, after=10, reason="A day without harm at 1 %")
