"""Reads all flags, and makes of each what is evaluated."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import inf
from typing import Any, Final

from flags import bucketing, catalog
from flags.models import CohortSample, Flag, Flagset, Override, RolloutPlan
from flags.snapshot.compiled import ALL, SLOW_MS, Compiled, Condition, People, Rule, Snapshot
from monitoring import metrics

TRIES: Final = 3
UNREADABLE: Final = "flags.unreadable"  # counted: a row that no verb would have written
NOBODY: Final = People()

logger = logging.getLogger(__name__)


def load() -> Snapshot:
    """The flags as PostgreSQL has them now, and the catalogue's where it has none.

    The version is read first, and again at the end: if somebody wrote in between, all is read again. So what is in a
    snapshot is never older than its version says.
    """
    for _ in range(TRIES):
        version, is_frozen = standing()
        flags = _flags()
        if standing()[0] == version:
            break
    return Snapshot(version, flags, is_frozen)


def standing() -> tuple[int, bool]:
    """The flagset's version now, and whether it is frozen."""
    row = Flagset.objects.filter(pk=Flagset.ONLY).values_list("version", "is_frozen").first()
    return row or (0, False)


def defaults() -> Snapshot:
    """What the catalogue and the environment say, without PostgreSQL."""
    return Snapshot(0, {entry.name: _held(from_entry(entry)) for entry in catalog.entries()})


@dataclass(frozen=True, slots=True)
class _Beside:
    """What other tables say of flags, by the flag's id."""

    always: Mapping[int, Mapping[str, bool]]
    slow_ms: Mapping[int, float]
    halvings: Mapping[int, int]
    users: Mapping[int, list[Any]]
    groups: Mapping[int, list[Any]]


def _flags() -> Mapping[str, Compiled]:
    always: dict[int, dict[str, bool]] = defaultdict(dict)
    for flag_id, unit, is_on in Override.objects.values_list("flag_id", "unit", "is_on"):
        always[flag_id][unit] = is_on
    running = RolloutPlan.objects.filter(state__in=RolloutPlan.OPEN, slow_ms__isnull=False)
    slow_ms = {flag_id: ms for flag_id, ms in running.values_list("flag_id", "slow_ms") if ms is not None}
    members = (
        _grouped(through.objects.values_list("flag_id", other))
        for through, other in ((Flag.users.through, "user_id"), (Flag.groups.through, "group_id"))
    )
    halvings = dict(CohortSample.objects.values_list("flag_id", "halvings"))
    beside = _Beside(always, slow_ms, halvings, *members)
    flags = dict(defaults().flags)
    for row in Flag.objects.all():
        flags[row.name] = _read(row, beside)
    return flags


def _read(row: Flag, beside: _Beside) -> Compiled:
    try:
        rules, needs = tuple(rule(each) for each in row.rules), tuple(row.needs)
        everyone = row.everyone
    except (KeyError, TypeError, ValueError) as problem:
        # nobody knows what was meant: off is what the flag's code did before it existed
        metrics.count(UNREADABLE)
        logger.error("event=flag_unreadable flag=%s error=%s", row.name, type(problem).__name__)
        rules, needs, everyone = (), (), False
    percent, always = row.percent or Decimal(0), beside.always.get(row.pk, {})
    read = Compiled(
        name=row.name,
        unit=row.unit,
        salt=row.salt,
        percent=percent,
        threshold=bucketing.threshold(percent),
        everyone=everyone,
        version=row.version,
        starts=row.starts_at.timestamp() if row.starts_at else -inf,
        ends=row.ends_at.timestamp() if row.ends_at else inf,
        always=always,
        rules=rules,
        needs=needs,
        slow_ms=beside.slow_ms.get(row.pk, SLOW_MS),
        sampled=ALL >> beside.halvings.get(row.pk, 0),
        id=row.pk,
        is_plain=everyone is None and not (always or rules or needs or row.starts_at or row.ends_at),
        people=_people(row, beside),
    )
    return _held(read)


def _people(row: Flag, beside: _Beside) -> People | None:
    people = People(
        is_testing=row.testing,
        has_superusers=row.superusers,
        has_staff=row.staff,
        has_authenticated=row.authenticated,
        languages=frozenset(filter(None, (each.strip() for each in row.languages.split(",")))),
        users=frozenset(beside.users.get(row.pk, ())),
        groups=frozenset(beside.groups.get(row.pk, ())),
    )
    return None if people == NOBODY else people


def from_entry(entry: catalog.Entry) -> Compiled:
    """What holds as long as the flag has no row, the environment asked."""
    entry = catalog.seeded(entry)
    return Compiled(
        name=entry.name,
        unit=entry.unit,
        salt=entry.name,
        percent=entry.percent,
        threshold=bucketing.threshold(entry.percent),
        everyone=None if entry.is_enabled else False,
        is_plain=entry.is_enabled,
    )


def rule(written: Mapping[str, Any]) -> Rule:
    """{"if": [{"attribute", "operator", "values"}], "then": true}. Raises KeyError, TypeError or ValueError."""
    conditions = tuple(Condition(one["attribute"], one["operator"], tuple(one["values"])) for one in written["if"])
    return Rule(conditions, bool(written["then"]))


def _held(flag: Compiled) -> Compiled:
    """The flag as the environment holds it."""
    pin = catalog.pin(flag.name)
    if pin is None:
        return flag
    return replace(
        flag,
        is_pinned=True,
        everyone=pin.everyone,
        percent=pin.percent,
        threshold=bucketing.threshold(pin.percent),
        is_plain=pin.everyone is None,
        people=None,
    )


def _grouped(pairs: Iterable[tuple[int, Any]]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for flag_id, other in pairs:
        found[flag_id].append(other)
    return found
