"""Killing, undoing, the freeze, second persons and overrides."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from flags import change
from flags.change import GUARD, PLAN
from flags.errors import ConflictError, InvalidError, NotAllowedError, StaleError, UnknownFlagError
from flags.models import Flag, FlagChange, Override, Proposal
from monitoring.models import AuditEntry, Event
from tests.flags.change.made import ANA, BEN, DID, EVE, NOW, WHY
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db
BY_BEN = DID | {"by": BEN}


def test_killing_is_instant_and_undoing_gives_back_exactly_what_was() -> None:
    rules = [{"if": [{"attribute": "plan", "operator": "in", "values": ["pro"]}], "then": True}]
    make_flag(percent="12.345", rules=rules, salt="s", starts_at=NOW)
    was = Flag.objects.values().get()
    killed = change.kill("enhanced", **DID)
    assert (killed.action, killed.version, Flag.objects.get().share) == ("kill", 2, 0)
    assert Event.objects.get().text == "enhanced killed at 12.345 %"
    with pytest.raises(ConflictError, match="off for everyone already"):
        change.kill("enhanced", **DID)
    undone = change.undo(killed.pk, **DID)
    assert isinstance(undone, FlagChange)
    assert (undone.action, undone.version) == ("undo", 3)
    assert Flag.objects.values().get() == was | {"version": 3, "modified": NOW}
    edited = change.change(
        "enhanced",
        expect=3,
        edit={"rules": [], "salt": True, "starts_at": None, "expires_on": NOW.date(), "percent": 1},
        **DID,
    )
    change.undo(edited.pk, by=ANA, reason=WHY, now=NOW + timedelta(days=9))
    again = {"version": 5, "modified": NOW + timedelta(days=9)}
    assert Flag.objects.values().get() == was | again


def test_what_was_changed_again_is_not_undone_over_somebodys_head() -> None:
    make_flag(percent=10)
    first = change.change("enhanced", expect=1, edit={"percent": 20}, **DID)
    change.change("enhanced", expect=2, edit={"owner": "ben"}, **DID)
    later = change.change("enhanced", expect=3, edit={"percent": 30}, **BY_BEN)
    with pytest.raises(StaleError, match="changed again since, by ben") as stale:
        change.undo(first.pk, **DID)
    assert stale.value.diff == {"percent": ("20", "30")}
    change.undo(later.pk, **DID)
    change.undo(first.pk, **DID)
    assert (Flag.objects.get().percent, Flag.objects.get().owner) == (10, "ben")
    with pytest.raises(UnknownFlagError):
        change.undo(uuid.uuid4(), **DID)
    made = change.create("new-one", fields={}, **DID)
    with pytest.raises(ConflictError, match="can't be undone"):
        change.undo(made.pk, **DID)


def test_frozen_only_killing_and_the_guards_way_back_work() -> None:
    make_flag(percent=10)
    make_flag("other", percent=10)
    change.freeze(True, **DID)
    guards: dict[str, Any] = {"by": GUARD, "reason": WHY, "now": NOW}
    acts: list[Callable[[], object]] = [
        lambda: change.change("enhanced", expect=1, edit={"percent": 5}, **DID),
        lambda: change.change("enhanced", expect=1, edit={"percent": 20}, **DID | {"by": PLAN}, action="advance"),
        lambda: change.create("new-one", fields={}, **DID),
        lambda: change.override("enhanced", "mara", True, **DID),
        lambda: change.delete("enhanced", expect=1, **DID),
    ]
    for act in acts:
        with pytest.raises(ConflictError, match="frozen by ana: the test says so"):
            act()
    back = change.change("enhanced", expect=1, edit={"percent": 0}, action="roll_back", evidence={"e": 1}, **guards)
    assert isinstance(back, FlagChange)
    assert (back.action, back.evidence) == ("roll_back", {"e": 1})
    assert (Event.objects.order_by("-id")[0].tone, Event.objects.order_by("-id")[0].text) == (
        "warn",
        "enhanced 10 → 0 % (rolled back)",
    )
    killed = change.kill("other", **DID)
    with pytest.raises(ConflictError, match="frozen"):
        change.undo(killed.pk, **DID)
    with pytest.raises(ConflictError, match="already"):
        change.freeze(True, **DID)
    change.freeze(False, **DID)
    change.undo(killed.pk, **DID)
    assert [entry.action for entry in AuditEntry.objects.filter(subject="all flags").order_by("id")] == [
        "flag.freeze",
        "flag.unfreeze",
    ]


def test_beyond_the_set_share_another_person_has_to_agree() -> None:
    flag = make_flag(percent=10)
    with pytest.raises(NotAllowedError):
        change.require_approval(Decimal(25), **DID)
    change.require_approval(Decimal(25), **BY_BEN)
    assert isinstance(change.change("enhanced", expect=1, edit={"percent": 25}, **DID), FlagChange)
    asked = change.change("enhanced", expect=2, edit={"percent": "60.5", "note": "wider"}, **DID)
    assert isinstance(asked, Proposal)
    assert (Flag.objects.get().percent, change.waiting(NOW)) == (25, [asked])
    with pytest.raises(ConflictError, match="waits for a second person"):
        change.change("enhanced", expect=2, edit={"percent": 70}, **BY_BEN)
    with pytest.raises(NotAllowedError, match="Another person"):
        change.approve(asked.pk, by=ANA, now=NOW)
    with pytest.raises(NotAllowedError):
        change.approve(asked.pk, by=EVE, now=NOW)
    made = change.approve(asked.pk, by=BEN, now=NOW)
    assert (made.actor, made.action, made.after["percent"]) == ("ana", "raise", "60.5")
    assert made.evidence == {"approved_by": "ben", "proposal": str(asked.pk)}
    with pytest.raises(ConflictError, match="approved by ben already"):
        change.approve(asked.pk, by=BEN, now=NOW)
    # killing needs nobody, nor does taking it back at once; days later it is a raise like any other
    killed = change.kill("enhanced", **DID)
    assert isinstance(change.undo(killed.pk, **DID), FlagChange)
    killed = change.kill("enhanced", **DID)
    assert isinstance(change.undo(killed.pk, by=ANA, reason=WHY, now=NOW + timedelta(days=2)), Proposal)
    assert Flag.objects.get(pk=flag.pk).everyone is False


def test_a_rule_that_turns_on_and_a_new_flag_are_no_way_around_the_second_person() -> None:
    make_flag(percent=10)
    change.require_approval(Decimal(25), **BY_BEN)
    rule = {"if": [{"attribute": "workspace", "operator": "not_in", "values": ["x"]}], "then": True}
    assert isinstance(change.change("enhanced", expect=1, edit={"rules": [rule]}, **DID), Proposal)
    make_flag("other", percent=10)
    off = change.change("other", expect=1, edit={"rules": [rule | {"then": False}]}, **DID)
    assert isinstance(off, FlagChange)
    with pytest.raises(ConflictError, match="second person"):
        change.create("new-one", fields={"percent": 100}, **DID)


def test_a_proposal_ends_after_a_day_is_stale_after_a_change_and_can_be_refused() -> None:
    make_flag(percent=10)
    change.require_approval(Decimal(25), **BY_BEN)

    def ask(version: int) -> Proposal:
        made = change.change("enhanced", expect=version, edit={"percent": 50}, **DID)
        assert isinstance(made, Proposal)
        return made

    first = ask(1)
    with pytest.raises(ConflictError, match="propose it again"):
        change.approve(first.pk, by=BEN, now=NOW + timedelta(hours=24))
    first.refresh_from_db()
    assert first.state == "stale"
    second = ask(1)
    change.change("enhanced", expect=1, edit={"percent": 5}, **DID)
    assert change.waiting(NOW) == []
    with pytest.raises(StaleError):
        change.approve(second.pk, by=BEN, now=NOW)
    third = ask(2)
    with pytest.raises(InvalidError, match="reason"):
        change.refuse(third.pk, by=BEN, reason="no", now=NOW)
    assert change.refuse(third.pk, **BY_BEN).state == "refused"
    with pytest.raises(ConflictError, match="refused by ben"):
        change.approve(third.pk, by=BEN, now=NOW)
    with pytest.raises(UnknownFlagError):
        change.refuse(uuid.uuid4(), **BY_BEN)


def test_overrides_are_bounded_undone_and_leave_the_version() -> None:
    flag = make_flag(percent=10)
    first = change.override("enhanced", "mara", True, **DID)
    assert (first.action, first.before, first.after) == ("override", {"override mara": None}, {"override mara": True})
    assert "mara" not in Event.objects.get().text
    second = change.override("enhanced", "mara", False, **BY_BEN)
    with pytest.raises(StaleError):
        change.undo(first.pk, **DID)
    change.undo(second.pk, **DID)
    assert Override.objects.get().is_on is True
    change.undo(first.pk, **DID)
    assert not Override.objects.exists()
    assert Flag.objects.get().version == 1
    with pytest.raises(ConflictError, match="nothing was changed"):
        change.override("enhanced", "mara", None, **DID)
    for unit in ("", "u" * 201, "a\0"):
        with pytest.raises(InvalidError, match="unit"):
            change.override("enhanced", unit, True, **DID)
    rows = (Override(flag=flag, unit=f"u{number}", is_on=True, actor="a", at=NOW) for number in range(Override.LIMIT))
    Override.objects.bulk_create(rows)
    with pytest.raises(ConflictError, match="the most"):
        change.override("enhanced", "mara", True, **DID)


def test_pausing_the_guards_is_for_admins() -> None:
    with pytest.raises(NotAllowedError, match="Pausing"):
        change.pause_guard(True, **DID)
    assert change.pause_guard(True, **BY_BEN).is_guard_paused
    assert change.flagset().actor == "ben"
    with pytest.raises(InvalidError, match="over"):
        change.require_approval(Decimal(101), **BY_BEN)
