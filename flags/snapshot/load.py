"""Reads all flags, and makes of each what is evaluated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from math import inf
from typing import Any

from flags import bucketing, catalog
from flags.models import Flag, Flagset, Override
from flags.snapshot.compiled import Compiled, Condition, Rule, Snapshot


def load() -> Snapshot:
    """The flags as PostgreSQL has them now, and the catalogue's where it has none."""
    flagset = Flagset.objects.filter(pk=Flagset.ONLY).first() or Flagset(pk=Flagset.ONLY, version=0)
    always: dict[int, dict[str, bool]] = defaultdict(dict)
    for flag_id, unit, is_on in Override.objects.values_list("flag_id", "unit", "is_on"):
        always[flag_id][unit] = is_on
    flags = {entry.name: from_entry(entry) for entry in catalog.entries()}
    flags |= {flag.name: from_row(flag, always.get(flag.pk, {})) for flag in Flag.objects.all()}
    return Snapshot(flagset.version, flags, flagset.is_frozen)


def from_row(flag: Flag, always: Mapping[str, bool]) -> Compiled:
    percent = flag.percent or Decimal(0)
    return Compiled(
        name=flag.name,
        unit=flag.unit,
        salt=flag.salt,
        percent=percent,
        threshold=bucketing.threshold(percent),
        everyone=flag.everyone,
        version=flag.version,
        starts=flag.starts_at.timestamp() if flag.starts_at else -inf,
        ends=flag.ends_at.timestamp() if flag.ends_at else inf,
        always=always,
        rules=tuple(rule(each) for each in flag.rules),
        needs=tuple(flag.needs),
        id=flag.pk,
        is_plain=flag.everyone is None and not (always or flag.rules or flag.needs or flag.starts_at or flag.ends_at),
    )


def from_entry(entry: catalog.Entry) -> Compiled:
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
    """{"if": [{"attribute", "operator", "values"}], "then": true}"""
    conditions = tuple(Condition(one["attribute"], one["operator"], tuple(one["values"])) for one in written["if"])
    return Rule(conditions, bool(written["then"]))
