"""Changing a flag: what may be meant, who may, on which version, and what tells of it afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from flags import catalog, change, rollout, snapshot
from flags.errors import ConflictError, InvalidError, NotAllowedError, StaleError, UnknownFlagError
from flags.models import Flag, FlagChange, RolloutPlan
from monitoring.models import AuditEntry, Event
from tests.flags.change.made import ANA, BEN, DID, EVE, NOW, WHY
from tests.flags.make import make_flag

RULE = {"if": [{"attribute": "plan", "operator": "in", "values": ["pro"]}], "then": True}


def condition(**fields: Any) -> list[dict[str, Any]]:
    return [{"if": [RULE["if"][0] | fields], "then": True}]  # type: ignore[index]


@pytest.mark.django_db
def test_a_raise_is_kept_with_what_differs_and_told_to_charts_and_audit() -> None:
    make_flag(percent="10.500")
    made = change.change("enhanced", expect=1, edit={"percent": "25.000", "owner": "ana"}, **DID)
    assert isinstance(made, FlagChange)
    assert (made.action, made.version, made.actor, made.reason) == ("raise", 2, "ana", WHY)
    assert (made.before, made.after) == ({"percent": "10.5", "owner": ""}, {"percent": "25", "owner": "ana"})
    flag = Flag.objects.get()
    assert (flag.version, flag.percent, flag.owner) == (2, 25, "ana")
    event = Event.objects.get()
    assert (event.kind, event.text, event.tone, event.actor) == ("flag", "enhanced 10.5 → 25 %", "hand", "ana")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.after) == ("flag.raise", "enhanced", made.after)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("edit", "action"),
    [
        ({"percent": 30}, "raise"),
        ({"percent": 5}, "lower"),
        ({"everyone": True}, "raise"),
        ({"everyone": False}, "kill"),
        ({"percent": 0}, "lower"),
        ({"note": "for the new prompts"}, "edit"),
        ({"rules": [RULE]}, "edit"),
    ],
)
def test_what_was_done_is_told_apart_by_the_share(edit: dict[str, Any], action: str) -> None:
    make_flag(percent=10)
    made = change.change("enhanced", expect=1, edit=edit, **DID)
    assert isinstance(made, FlagChange)
    assert made.action == action


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("edit", "field", "said"),
    [
        ({"percent": 101}, "percent", "0 to 100"),
        ({"percent": -0.001}, "percent", "0 to 100"),
        ({"percent": "1.0005"}, "percent", "at most 3 decimals"),
        ({"percent": "NaN"}, "percent", "0 to 100"),
        ({"percent": "1e-999999999"}, "percent", "at most 3 decimals"),
        ({"percent": True}, "percent", "0 to 100"),
        ({"everyone": "yes"}, "everyone", "true or false"),
        ({"share": 5}, "share", "no field of a flag"),
        ({}, "edit", "no field"),
        ({"expires_on": "2026-11-11"}, "expires_on", "is past"),
        ({"expires_on": "soon"}, "expires_on", "must be a day"),
        ({"starts_at": "2026-11-20T09:00:00"}, "starts_at", "time zone"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at", "between 2000"),
        ({"starts_at": "2026-11-20T09:00:00Z", "ends_at": "2026-11-20T09:00:00Z"}, "ends_at", "not after its start"),
        ({"unit": "browser"}, "unit", "is one of user"),
        ({"kind": ["release"]}, "kind", "is one of release"),
        ({"owner": "o" * 101}, "owner", "at most 100"),
        ({"note": "a\0b"}, "note", "can't be kept"),
        ({"salt": "s" * 65}, "salt", "at most 64"),
        ({"needs": ["enhanced"]}, "needs", "can't need itself"),
        ({"needs": ["nobody"]}, "needs", "there is no flag nobody"),
        ({"needs": ["other", "other"]}, "needs", "twice"),
        ({"needs": [["other"]]}, "needs", "names"),
        ({"needs": ["other"]}, "needs", "enhanced needs other needs enhanced"),
        ({"needs": [str(number) for number in range(11)]}, "needs", "at most 10"),
        ({"rules": {}}, "rules", "must be a list"),
        ({"rules": [RULE] * 21}, "rules", "at most 20"),
        ({"rules": [{"if": [], "then": True}]}, "rules", "no condition"),
        ({"rules": [{"if": RULE["if"] * 6, "then": True}]}, "rules", "at most 5"),  # type: ignore[operator]
        ({"rules": [RULE | {"then": "on"}]}, "rules", "true or false"),
        ({"rules": [RULE | {"else": False}]}, "rules", "exactly if, then"),
        ({"rules": condition(operator="like")}, "rules", "the operator is one of"),
        ({"rules": condition(operator=["in"])}, "rules", "the operator is one of"),
        ({"rules": condition(values=["x"] * 101)}, "rules", "at most 100"),
        ({"rules": condition(values=[])}, "rules", "at least one value"),
        ({"rules": condition(values=[{"a": 1}])}, "rules", "a value is text"),
        ({"rules": condition(values=[float("inf")])}, "rules", "a value is text"),
        ({"rules": condition(values=["a\0"])}, "rules", "can't be kept"),
        ({"rules": condition(operator="at_least", values=["3"])}, "rules", "one number"),
        ({"rules": condition(operator="exists", values=[1])}, "rules", "true or false"),
        ({"rules": condition(operator="starts_with", values=[""])}, "rules", "at least one text"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_field(edit: dict[str, Any], field: str, said: str) -> None:
    make_flag(percent=10)
    make_flag("other", needs=["enhanced"])
    with pytest.raises(InvalidError) as refused:
        change.change("enhanced", expect=1, edit=edit, **DID)
    ((named, message),) = refused.value.faults
    assert named == field
    assert said in message
    assert not FlagChange.objects.exists()


@pytest.mark.django_db
def test_all_faults_are_told_at_once_and_a_reason_is_asked_for() -> None:
    make_flag(percent=10)
    with pytest.raises(InvalidError) as refused:
        change.change("enhanced", expect=1, edit={"percent": 200, "unit": "x", "size": 1}, **DID)
    assert [field for field, _ in refused.value.faults] == ["percent", "unit", "size"]
    for reason in ("", "short  .", "r" * 501, "with a NUL \0 in it"):
        with pytest.raises(InvalidError, match="reason"):
            change.change("enhanced", expect=1, edit={"percent": 20}, by=ANA, reason=reason, now=NOW)
    with pytest.raises(InvalidError, match="version"):
        change.change("enhanced", expect=None, edit={"percent": 20}, **DID)
    with pytest.raises(ConflictError, match="nothing was changed"):
        change.change("enhanced", expect=1, edit={"percent": "10.000"}, **DID)
    with pytest.raises(UnknownFlagError, match="no flag 'nobody'"):
        change.change("nobody", expect=1, edit={"percent": 20}, **DID)


@pytest.mark.django_db
def test_who_may_not_is_told_and_locked_flags_are_for_admins_even_to_kill() -> None:
    make_flag(percent=10, is_locked=True)
    with pytest.raises(NotAllowedError, match="eve may look"):
        change.change("enhanced", expect=1, edit={"percent": 5}, by=EVE, reason=WHY, now=NOW)
    acts: list[Callable[[], object]] = [
        lambda: change.change("enhanced", expect=1, edit={"percent": 5}, **DID),
        lambda: change.kill("enhanced", **DID),
        lambda: change.override("enhanced", "mara", True, **DID),
        lambda: change.delete("enhanced", expect=1, **DID),
    ]
    for act in acts:
        with pytest.raises(NotAllowedError, match="enhanced is locked"):
            act()
    change.kill("enhanced", by=BEN, reason=WHY, now=NOW)
    make_flag("open", percent=10)
    with pytest.raises(NotAllowedError, match="Locking"):
        change.change("open", expect=1, edit={"is_locked": True}, **DID)
    with pytest.raises(NotAllowedError, match="Locking"):
        change.create("new-one", fields={"is_locked": True}, **DID)


@pytest.mark.django_db
def test_whoever_saw_an_older_version_is_told_what_others_changed() -> None:
    make_flag(percent=10)
    change.change("enhanced", expect=1, edit={"percent": 15, "owner": "ben"}, by=BEN, reason=WHY, now=NOW)
    change.change("enhanced", expect=2, edit={"percent": 20}, by=BEN, reason=WHY, now=NOW)
    with pytest.raises(StaleError) as stale:
        change.change("enhanced", expect=1, edit={"percent": 50}, **DID)
    assert stale.value.diff == {"percent": ("10", "20"), "owner": ("", "ben")}
    assert (stale.value.current, stale.value.actor, stale.value.at) == (3, "ben", NOW)
    assert "you saw 1" in str(stale.value)
    assert Flag.objects.get().percent == 20


@pytest.mark.django_db(transaction=True)
def test_of_two_writers_at_once_one_wins_and_the_other_sees_the_difference() -> None:
    make_flag(percent=10)
    ready = threading.Barrier(2)
    outcomes: list[object] = []

    def write(percent: int) -> None:
        ready.wait()
        try:
            outcomes.append(change.change("enhanced", expect=1, edit={"percent": percent}, **DID))
        except StaleError as stale:
            outcomes.append(stale)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(percent,)) for percent in (20, 30)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    (lost,) = [each for each in outcomes if isinstance(each, StaleError)]
    (won,) = FlagChange.objects.all()
    assert lost.diff == {"percent": ("10", won.after["percent"])}
    assert Flag.objects.get().version == 2


@pytest.mark.django_db
def test_what_the_environment_pins_is_not_changed_but_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAG_FORCE_ENHANCED", "12.5")
    catalog.reread()
    make_flag(percent=10)
    acts: list[Callable[[], object]] = [
        lambda: change.change("enhanced", expect=1, edit={"percent": 5}, **DID),
        lambda: change.kill("enhanced", **DID),
    ]
    for act in acts:
        with pytest.raises(ConflictError, match=r"12.5 % by the environment variable FLAG_FORCE_ENHANCED"):
            act()
    change.change("enhanced", expect=1, edit={"owner": "ana"}, **DID)


@pytest.mark.django_db
def test_a_change_by_hand_says_that_it_holds_the_plan_and_the_plans_own_does_not() -> None:
    flag = make_flag(percent=10)
    RolloutPlan.objects.create(flag=flag, starts_at=NOW, actor="ana", reason=WHY, created_at=NOW)
    change.change("enhanced", expect=1, edit={"percent": 20}, by=change.PLAN, reason=WHY, now=NOW, action="advance")
    change.change("enhanced", expect=2, edit={"owner": "ana"}, **DID)
    change.change("enhanced", expect=3, edit={"percent": 15}, **DID)
    reasons = list(AuditEntry.objects.order_by("id").values_list("reason", flat=True))
    assert reasons == [WHY, WHY, f"{WHY} [its rollout plan is held]"]
    assert Event.objects.order_by("-id")[0].text == "enhanced 20 → 15 % (its rollout plan is held)"
    with pytest.raises(ConflictError, match="end it first"):
        change.delete("enhanced", expect=4, **DID)


@pytest.mark.django_db
def test_a_flag_is_created_and_deleted_and_its_history_stays() -> None:
    made = change.create("beta.prompts-2", fields={"percent": "2.5", "unit": "workspace"}, **DID)
    assert (made.action, made.before, made.after["percent"]) == ("create", {}, "2.5")
    assert Flag.objects.get().unit == "workspace"
    for name, said in (("Beta", "a-z"), ("a/b", "a-z"), ("", "a-z"), ("..", "a-z"), ("export", "addresses")):
        with pytest.raises(InvalidError, match=said):
            change.create(name, fields={}, **DID)
    with pytest.raises(ConflictError, match="already"):
        change.create("beta.prompts-2", fields={}, **DID)
    change.create("next", fields={"needs": ["beta.prompts-2"]}, **DID)
    with pytest.raises(ConflictError, match="next needs"):
        change.delete("beta.prompts-2", expect=1, **DID)
    change.delete("next", expect=1, **DID)
    gone = change.delete("beta.prompts-2", expect=1, **DID)
    assert gone.before["percent"] == "2.5"
    assert [each.action for each in change.history("beta.prompts-2")] == ["delete", "create"]


@pytest.mark.django_db
def test_a_chain_of_needs_is_no_deeper_than_is_followed() -> None:
    make_flag("n0")
    for number in range(1, 11):
        make_flag(f"n{number}", needs=[f"n{number - 1}"])
    with pytest.raises(InvalidError, match="longer than 10"):
        change.create("n11", fields={"needs": ["n10"]}, **DID)
    change.create("side", fields={"needs": ["n9"]}, **DID)


@pytest.mark.django_db
def test_writes_around_the_verb_raise_the_version_and_are_noticed_once() -> None:
    flag = make_flag(percent=10)
    assert [each.action for each in change.history("enhanced")] == []
    (first,) = change.noticed(NOW)
    assert (first.action, first.before, first.after["percent"]) == ("outside", {}, "10")
    Flag.objects.filter(pk=flag.pk).update(percent=Decimal("33.3"))
    with pytest.raises(StaleError) as stale:
        change.change("enhanced", expect=1, edit={"percent": 50}, **DID)
    assert stale.value.diff == {"percent": ("10", "33.3")}
    (second,) = change.noticed(NOW)
    assert (second.version, second.before, second.after) == (2, {"percent": "10"}, {"percent": "33.3"})
    assert change.noticed(NOW) == []
    change.undo(second.pk, **DID)
    assert Flag.objects.get().percent == 10
    Flag.objects.filter(pk=flag.pk).update(everyone=True)
    change.kill("enhanced", **DID)
    assert [(each.action, each.before, each.after) for each in change.history("enhanced", 2)] == [
        ("kill", {"everyone": True}, {"everyone": False}),
        ("outside", {"everyone": None}, {"everyone": True}),
    ]


@pytest.mark.django_db
def test_this_process_decides_by_what_was_changed(django_capture_on_commit_callbacks: Any) -> None:
    make_flag(percent=0)
    assert not rollout.is_on("enhanced", "mara")
    with django_capture_on_commit_callbacks(execute=True):
        change.change("enhanced", expect=1, edit={"percent": 100}, **DID)
    snapshot.forget()
    assert rollout.is_on("enhanced", "mara")
    with django_capture_on_commit_callbacks(execute=True):
        change.override("enhanced", "mara", False, **DID)
    snapshot.forget()
    assert not rollout.is_on("enhanced", "mara")
