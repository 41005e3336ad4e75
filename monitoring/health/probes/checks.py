"""Monitoring's own checks: the database and its migrations, which serving needs, and what may be missing."""

from __future__ import annotations

import shutil
import time
from functools import cache
from pathlib import Path
from typing import Final

import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from monitoring import breakers
from monitoring.breakers import State
from monitoring.health.probes.registry import Result, register
from monitoring.metrics import snapshot
from monitoring.metrics.flush import connect

SNAPSHOT_LIMIT_S: Final = 15.0
FREE_LEAST: Final = 0.05  # of the disk
FREE_LEAST_BYTES: Final = 500_000_000


def database() -> Result:
    """One statement and its answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return Result.good()


def missing_migrations() -> list[str]:
    """Migrations that this version has and the database has not, such as `memory.0003_pipeline`."""
    loader = MigrationLoader(connection)
    return [f"{app}.{name}" for app, name in loader.graph.nodes if (app, name) not in loader.applied_migrations]


class _Applied:
    """Once all are applied they stay so while this process runs: looking again would cost it 50 ms each time."""

    is_known = False


def migrations() -> Result:
    """Whether the database has what this version needs; a newer one is fine."""
    if _Applied.is_known:
        return Result.good(0, "unapplied")
    missing = len(missing_migrations())
    if missing:
        words = f"{missing} migrations are not applied: run `manage.py migrate`."
        return Result.bad(words, missing, "unapplied")
    _Applied.is_known = True
    return Result.good(0, "unapplied")


def forget_applied() -> None:
    """Has the next check of migrations look again."""
    _Applied.is_known = False


def cache_server() -> Result:
    """Redis answers: without it every read is a miss, and figures wait."""
    try:
        _redis(settings.REDIS_URL).ping()
    except redis.RedisError as problem:
        return Result.bad(f"Redis gives no answer ({type(problem).__name__}): reads are served uncached.")
    return Result.good()


def open_breakers() -> Result:
    """How many dependencies are refused now."""
    views = breakers.overview(timezone.now())
    refused = sum(view.state in {State.OPEN, State.FORCED_OPEN} for view in views)
    if refused:
        return Result.bad(f"{refused} of {len(views)} breakers are open: standard paths serve.", refused, "open")
    return Result.good(0, "open")


def aggregator() -> Result:
    """Whether somebody makes figures of what processes measure."""
    latest = snapshot.latest()
    if latest is None:
        return Result.bad("No figures yet: is `manage.py aggregate` running?")
    age_s = latest.age_s(time.time())
    if age_s > SNAPSHOT_LIMIT_S:
        return Result.bad("Figures are old: is `manage.py aggregate` running?", age_s, "s")
    return Result.good(age_s, "s")


def disk() -> Result:
    """Room for the embedded services' data."""
    usage = shutil.disk_usage(settings.HOLDFAST_DIR)
    percent = 100 * usage.free / usage.total
    if usage.free < FREE_LEAST_BYTES or percent < 100 * FREE_LEAST:
        return Result.bad(f"The disk of the data folder has {percent:.0f} % left: make room.", percent, "percent")
    return Result.good(percent, "percent")


def has_embedded_data() -> bool:
    """Whether the embedded PostgreSQL lives in the data folder; where others keep the data, so do they watch it."""
    return (Path(settings.HOLDFAST_DIR) / "postgres").exists()


@cache
def _redis(url: str) -> redis.Redis:
    return connect(url)


def register_all() -> None:
    """Monitoring's checks, known from the start of every process."""
    register("database", database, component="postgresql", is_required=True, kind="datastore")
    register(
        "migrations", migrations, component="migrations", is_required=True, timeout_s=5.0, measurement="unapplied",
        kind="datastore",
    )  # fmt: skip
    register("cache", cache_server, component="redis", is_required=False, kind="datastore")
    register("breakers", open_breakers, component="providers", is_required=False, measurement="openBreakers")
    register("aggregator", aggregator, component="aggregator", is_required=False, measurement="age")
    if has_embedded_data():
        register("disk", disk, component="disk", is_required=False, measurement="free", kind="system")
