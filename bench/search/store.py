"""Puts the generated memories into PostgreSQL, and the large scopes into the vector index: what that costs."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Final

from django.db import connection

from bench.search import data
from memory.jobs.kinds import Again, Work
from memory.models import Memory, Tally, Workspace
from memory.search.plan import LARGE, statistics
from memory.work.payloads import IndexScope
from memory.work.upkeep import large_scopes

BY_JOB: Final = 3_000  # rows that the job indexes row by row, as in production; then all are indexed at once

SIZES_SQL: Final = """
SELECT relname, pg_relation_size(oid) / 1048576.0 FROM pg_class
WHERE relname IN ('memory_memory', 'memory_vector', 'memory_search', 'memory_by_user', 'memory_active_once_per_text')
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """What is there, and what it cost: rows a second, milliseconds a row, mebibytes by table or index."""

    made: data.World
    workspace_id: uuid.UUID
    users: list[int]
    per_second: float
    job_rows: int
    job_ms: float
    built_rows: int
    built_s: float
    sizes: dict[str, float]


def store(*, users: int, memories: int) -> Stored:
    made, sizes = data.world(), data.sizes(users, memories)
    workspace = Workspace.objects.create(name="bench-search")
    began = time.perf_counter()
    data.load(made, workspace.pk, sizes)
    per_second = sum(sizes) / (time.perf_counter() - began)
    large = [number for number, size in enumerate(sizes) if size >= LARGE]
    rows, job_ms = _by_job(workspace.pk, large[0]) if large else (0, 0.0)
    built_s = _at_once(workspace.pk, large)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE memory_memory")
        cursor.execute("ANALYZE memory_tally")
        cursor.execute(SIZES_SQL)
        megabytes = {name: float(size) for name, size in cursor.fetchall()}
    statistics.forget()
    return Stored(
        made, workspace.pk, sizes, per_second, rows, job_ms,
        sum(sizes[number] for number in large), built_s, megabytes,
    )  # fmt: skip


def _by_job(workspace_id: uuid.UUID, number: int) -> tuple[int, float]:
    """Rows that the job's first slices put into the index, and the milliseconds a row."""
    work = Work(uuid.uuid4(), workspace_id, f"user-{number}", IndexScope(), 1, data.NOW)
    began, rows = time.perf_counter(), 0
    while rows < BY_JOB and isinstance(done := large_scopes.index_scope(work), Again):
        rows += done.result["rows"]
    return rows, (time.perf_counter() - began) * 1000 / max(rows, 1)


def _at_once(workspace_id: uuid.UUID, users: list[int]) -> float:
    """Seconds that building the index of all rows takes."""
    names = [f"user-{number}" for number in users]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef('memory_vector'::regclass)")
        definition = cursor.fetchone()[0]
        cursor.execute("DROP INDEX memory_vector")
        Memory.objects.filter(workspace_id=workspace_id, user_id__in=names).update(in_large_scope=True)
        Tally.objects.filter(workspace_id=workspace_id, user_id__in=names).update(is_large=True)
        cursor.execute("SET maintenance_work_mem = '2GB'")
        began = time.perf_counter()
        cursor.execute(definition)
        return time.perf_counter() - began
