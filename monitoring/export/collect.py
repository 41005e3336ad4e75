"""Gathers all that is exported: totals from the database, gauges and processes from the snapshot, breakers' states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from monitoring import breakers
from monitoring.breakers import State
from monitoring.export.family import PREFIX, Exemplar, Family, Histogram, Labels, Sample, Type
from monitoring.export.names import named
from monitoring.metrics import snapshot
from monitoring.metrics.sketch import decode
from monitoring.models import Series, SlowRequest, Total

SERIES_MOST: Final = 2_000  # the oldest stay; those beyond are counted in holdfast_export_dropped
BREAKERS_MOST: Final = 200
STALE_S: Final = 60  # gauges of a snapshot older than this say nothing of now

SLOW_S: Final = 300  # slow requests this recent are exemplars
SLOW_MOST: Final = 200


@dataclass(slots=True)
class Collected:
    """Families by name. What would give a name two meanings is left out, and counted."""

    families: dict[str, Family] = field(default_factory=dict)
    dropped: int = 0
    _taken: dict[str, str] = field(default_factory=dict)  # name of a line: its family
    _labels: dict[str, set[Labels]] = field(default_factory=dict)

    def add(self, name: str, type: Type, help: str, sample: Sample) -> None:
        family = self.families.get(name) or self._open(Family(name, type, help))
        seen = self._labels.setdefault(name, set())
        if family is None or family.type is not type or sample.labels in seen:
            self.dropped += 1
            return
        seen.add(sample.labels)
        family.samples.append(sample)

    def gauge(self, name: str, help: str, value: float, **labels: str) -> None:
        self.add(f"{PREFIX}{name}", Type.GAUGE, help, Sample(tuple(labels.items()), value))

    def _open(self, family: Family) -> Family | None:
        if any(name in self._taken for name in family.taken):
            return None
        self._taken |= dict.fromkeys(family.taken, family.name)
        self.families[family.name] = family
        return family


def collect(*, now: datetime) -> list[Family]:
    """Every family at `now`, in order of name."""
    collected = Collected()
    _own(collected)
    taken = snapshot.latest()
    if taken is not None:
        _processes(collected, taken, now)
    _breakers(collected, breakers.overview(now)[:BREAKERS_MOST])
    _totals(collected, _exemplars(now))
    if taken is not None and taken.age_s(now.timestamp()) <= STALE_S:
        _gauges(collected, taken)
    collected.gauge("export_dropped", "Series that are not exported: too many, or two of one name.", collected.dropped)
    return sorted(collected.families.values(), key=lambda family: family.name)


def _own(collected: Collected) -> None:
    help = "The version that runs, and where."
    about = {"version": settings.HOLDFAST_VERSION, "environment": settings.HOLDFAST_ENVIRONMENT}
    collected.gauge("build_info", help, 1, **about)


def _processes(collected: Collected, taken: snapshot.Snapshot, now: datetime) -> None:
    collected.gauge("processes_reporting", "Processes that sent their figures lately.", taken.processes)
    collected.gauge("processes_expected", "Processes that should report.", taken.expected)
    collected.gauge("snapshot_age_seconds", "Age of the figures.", taken.age_s(now.timestamp()))
    collected.gauge("late_blobs", "Figures that came after their minute was sealed.", taken.late)


def _breakers(collected: Collected, views: Iterable[breakers.View]) -> None:
    for view in views:
        for state in State:
            help = "1 for the state that a circuit breaker is in."
            collected.gauge("breaker_state", help, float(view.state is state), breaker=view.name, state=state.value)
        help = "Failed share of the calls in a circuit breaker's window."
        collected.gauge("breaker_failure_ratio", help, view.failure_rate, breaker=view.name)


def _exemplars(now: datetime) -> dict[str, tuple[Exemplar, ...]]:
    """By latency series the slowest requests of the last minutes."""
    recent = SlowRequest.objects.filter(at__gte=now - timedelta(seconds=SLOW_S)).order_by("-at")[:SLOW_MOST]
    found: dict[str, tuple[Exemplar, ...]] = {}
    for slow in recent:
        exemplar = Exemplar(slow.trace_id, slow.seconds, slow.at.timestamp())
        found[slow.operation] = (*found.get(slow.operation, ()), exemplar)
    return found


def _totals(collected: Collected, exemplars: Mapping[str, tuple[Exemplar, ...]]) -> None:
    rows = list(Total.objects.select_related("series").order_by("series_id")[: SERIES_MOST + 1])
    if len(rows) > SERIES_MOST:
        collected.dropped += Total.objects.count() - SERIES_MOST
    for row in rows[:SERIES_MOST]:
        series = row.series
        outside = named(series.name, series.kind)
        histogram = None
        if series.kind == Series.Kind.LATENCY:
            histogram = Histogram(decode(bytes(row.packed)), row.seconds, exemplars.get(series.name, ()))
        sample = Sample(outside.labels, row.value, row.since, histogram)
        collected.add(outside.family, outside.type, outside.help, sample)


def _gauges(collected: Collected, taken: snapshot.Snapshot) -> None:
    gauges = [(name, f.value) for name, f in taken.series.items() if f.kind == Series.Kind.GAUGE]
    for name, value in gauges[:SERIES_MOST]:
        if value is not None:
            outside = named(name, Series.Kind.GAUGE)
            collected.add(outside.family, outside.type, outside.help, Sample(outside.labels, value))
    collected.dropped += max(0, len(gauges) - SERIES_MOST)
