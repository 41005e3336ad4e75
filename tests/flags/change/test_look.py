"""What would be and what was: the blast radius against a count by hand, stale flags, the seed."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

import pytest

from flags import bucketing, catalog, change, rollout, snapshot
from flags.change.look import blast as looked
from flags.errors import InvalidError, UnknownFlagError
from flags.models import CohortUnit, Flag, FlagChange
from tests.flags.change.made import DID, NOW, WHY, make_unit
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db


def inside(flag: Flag, unit: str, low: str, high: str) -> bool:
    where = bucketing.bucket(flag.salt, unit)
    return bucketing.threshold(Decimal(low)) <= where < bucketing.threshold(Decimal(high))


@pytest.mark.parametrize("to", ["0", "12.5", "60.001", "100"])
def test_the_blast_radius_is_what_counting_every_unit_by_hand_gives(to: str) -> None:
    flag, other = make_flag(percent="20.002"), make_flag("other", percent=50)
    dice = random.Random(7)
    rows = [
        make_unit(flag, f"ü{number}", version=version, workspace=f"w{number % 7}", requests=dice.randrange(1, 500))
        for number in range(400)
        for version in dice.sample((1, 2, 3), dice.randrange(1, 3))
    ]
    rows += [make_unit(flag, f"long-ago-{n}", last_at=NOW - timedelta(hours=25)) for n in range(50)]
    rows += [make_unit(other, f"elsewhere-{n}") for n in range(50)]
    CohortUnit.objects.bulk_create(rows)
    found = change.blast("enhanced", Decimal(to), now=NOW)
    low, high = sorted(("20.002", to), key=Decimal)
    active = [row for row in rows if row.flag_id == flag.pk and row.last_at > NOW - timedelta(hours=24)]
    changing = [row for row in active if inside(flag, row.unit, low, high)]
    before = [row for row in active if inside(flag, row.unit, "0", "20.002")]
    minutes = 70  # they were first seen an hour before ten minutes ago
    assert (found.units, found.units_before) == (len({row.unit for row in changing}), len({r.unit for r in before}))
    assert found.workspaces == len({row.workspace for row in changing})
    assert found.workspaces_before == len({row.workspace for row in before})
    assert found.per_minute == pytest.approx(sum(row.requests for row in changing) / minutes)
    assert found.per_minute_before == pytest.approx(sum(row.requests for row in before) / minutes)
    assert (found.window_h, found.is_estimate, found.is_lowering) == (1.17, False, Decimal(to) < Decimal("20.002"))
    by_workspace = {row.workspace: 0.0 for row in changing}
    for row in changing:
        by_workspace[row.workspace] += row.requests / minutes
    largest = sorted(by_workspace.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
    assert [name for name, _ in found.largest] == [name for name, _ in largest]
    assert [many for _, many in found.largest] == pytest.approx([many for _, many in largest])


def test_of_a_unit_seen_for_days_only_the_part_within_the_window_counts() -> None:
    flag = make_flag(percent=0)
    first_at = NOW - timedelta(hours=48)
    make_unit(flag, "mara", requests=4800, first_at=first_at, last_at=NOW).save()
    found = change.blast("enhanced", Decimal(100), now=NOW)
    assert found.per_minute == pytest.approx(2400 / (24 * 60))
    assert dict(found.largest) == pytest.approx({"mara": 2400 / (24 * 60)})


def test_a_flag_that_was_off_is_estimated_by_the_units_of_others_and_workspaces_get_their_names() -> None:
    other = make_flag("other", percent=50)
    make_flag("by-service", percent=50, unit="service")
    make_flag(percent=10, everyone=False)
    units = [make_unit(other, f"u{n}", workspace=f"w{n % 2}", version=version) for n in range(10) for version in (1, 2)]
    CohortUnit.objects.bulk_create(units)
    looked.name_workspaces(lambda ids: {"w1": "acme"})
    try:
        found = change.blast("enhanced", Decimal(100), now=NOW)
    finally:
        looked._names.clear()
    assert (found.units, found.units_before, found.workspaces, found.is_estimate) == (10, 0, 2, True)
    assert {name for name, _ in found.largest} == {"w0", "acme"}
    nothing = change.blast("by-service", Decimal(100), now=NOW)
    assert (nothing.units, nothing.per_minute, nothing.largest) == (0, 0, ())
    with pytest.raises(InvalidError, match="percent"):
        change.blast("enhanced", Decimal("0.0001"), now=NOW)
    with pytest.raises(UnknownFlagError):
        change.blast("nobody", Decimal(1), now=NOW)


def test_stale_flags_say_why_and_those_for_safety_may_stay() -> None:
    long_ago = {"created": NOW - timedelta(days=40), "owner": "ana"}

    def aged(name: str, percent: int, **fields: object) -> Flag:
        flag = make_flag(name, percent, **long_ago | fields)
        Flag.objects.filter(pk=flag.pk).update(modified=NOW - timedelta(days=40))
        return flag

    def moved(flag: Flag, days: int) -> None:
        given = {"reason": WHY, "actor": "ana", "at": NOW - timedelta(days=days)}
        FlagChange.objects.create(
            flag=flag, name=flag.name, version=1, action="raise", after={"percent": "100"}, **given
        )

    done, fresh, half = aged("done", 100), aged("fresh", 100), aged("half", 50)
    aged("off", 10, everyone=False)
    aged("unasked", 50)
    aged("kill-switch", 100, kind="safety")
    aged("breakers", 0, kind="operational", owner="", expires_on=NOW.date() - timedelta(days=1))
    aged("today", 50, expires_on=NOW.date(), created=NOW)
    for flag in (done, fresh, half):
        make_unit(flag, "mara").save()
    moved(done, 15)
    moved(fresh, 13)
    assert {each.name: each.why for each in change.stale(NOW)} == {
        "breakers": "expired on 11 Nov 2026; no owner",
        "done": "at 100 % for 15 days",
        "off": "off for 40 days",
        "unasked": "not asked for in 7 days",
    }


def test_the_catalogues_flags_get_rows_once_and_nobody_is_switched_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flags.catalog.entry._entries", {})
    catalog.register(
        catalog.Entry("some_prompts", "New prompts.", is_enabled=True, percent=Decimal(30), owner="ana"),
        catalog.Entry("some_memory", "Off at first.", percent=Decimal(10)),
    )
    snapshot.forget()
    before = [rollout.is_on("some_prompts", f"u{n}") for n in range(50)]
    change.freeze(True, **DID)
    with pytest.raises(UnknownFlagError, match="flags seed"):
        change.kill("some_prompts", **DID)
    assert change.seed(now=NOW) == ["some_memory", "some_prompts"]
    assert change.seed(now=NOW) == []
    snapshot.forget()
    assert [rollout.is_on("some_prompts", f"u{n}") for n in range(50)] == before
    row = Flag.objects.get(name="some_memory")
    assert (row.everyone, row.percent, row.note) == (False, 10, "Off at first.")
    assert [each.actor for each in change.history("some_prompts")] == ["seed"]
