"""A flag's forms: faults at their fields, two people at once, rules as rows, and the end of a flag."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from flags import change
from flags.catalog import Entry
from flags.models import Flag, FlagChange
from flags.views.acts.form import raw
from tests.flags.acts.people import BO, approver, message, operator, page, viewer
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db
EDIT, NEW = "/rollouts/enhanced/edit/", "/rollouts/new/"
RULES = [
    {
        "if": [
            {"attribute": "plan", "operator": "in", "values": ["pro", "1,2", "7", 7, True, ""]},
            {"attribute": "seats", "operator": "at_least", "values": [10]},
        ],
        "then": True,
    },
    {"if": [{"attribute": "workspace", "operator": "not_in", "values": ["42"]}], "then": False},
]


def form(flag: Flag, **changed: Any) -> dict[str, Any]:
    """What a browser sends of the flag's form."""
    shown = raw.of(flag)
    sent: dict[str, Any] = {name: value for name, value in shown.text.items() if value} | {"version": flag.version}
    for number, row in enumerate(raw.with_room(shown).rows):
        sent |= {f"r{number}_{name}": getattr(row, name) for name in raw.Row.__slots__}
    return sent | {"reason": "Tidy up the words"} | changed


def test_rules_come_back_from_their_rows_as_they_were() -> None:
    rows = raw.rows(RULES)
    assert [row.then for row in rows] == ["and", "on", "off"]
    assert rows[0].values == 'pro, "1,2", "7", 7, true, ""'
    assert rows[2].values == "42"
    assert raw.rules(rows) == RULES


TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=6) | st.sampled_from(
    ["a b", 'a"b', "1e5", "-0", " "]
)
VALUES = TEXTS | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9)
CONDITIONS = st.builds(
    lambda attribute, values: {"attribute": attribute, "operator": "in", "values": values},
    st.sampled_from(["plan", "seats"]),
    st.lists(VALUES, min_size=1, max_size=4),
) | st.builds(
    lambda values: {"attribute": "workspace", "operator": "starts_with", "values": values},
    st.lists(TEXTS.filter(bool), min_size=1, max_size=3),
)


@settings(max_examples=60)
@given(
    st.lists(
        st.builds(
            lambda then, conditions: {"if": conditions, "then": then},
            st.booleans(),
            st.lists(CONDITIONS, min_size=1, max_size=3),
        ),
        max_size=3,
    )
)
def test_any_rules_survive_their_rows(rules: list[dict[str, Any]]) -> None:
    assert raw.rules(raw.rows(rules)) == rules


def test_a_new_flag_is_made_from_its_form() -> None:
    client = operator()
    sent = {
        "name": "richer",
        "percent": "5",
        "kind": "release",
        "unit": "user",
        "reason": "Begin with it",
        "note": "More",
    }
    rule = {"r0_attribute": "plan", "r0_operator": "in", "r0_values": "pro, team", "r0_then": "off"}
    assert "richer exists now, at 5 %." in message(client.post(NEW, sent | rule))
    flag = Flag.objects.get(name="richer")
    assert (flag.percent, flag.note) == (5, "More")
    assert flag.rules == [{"if": [{"attribute": "plan", "operator": "in", "values": ["pro", "team"]}], "then": False}]
    again = client.post(NEW, sent)
    assert again.status_code == 409
    assert "There is a flag richer already" in page(again)
    assert viewer().get(NEW).status_code == 403


def test_what_can_not_be_meant_is_told_at_its_field_and_nothing_typed_is_lost() -> None:
    sent = {"name": "Bad Name", "percent": "5", "kind": "release", "unit": "user", "reason": "Begin with it"}
    refused = operator().post(NEW, sent | {"note": "Kept words"})
    assert refused.status_code == 422
    assert "a-z, 0-9" in page(refused)
    assert "Kept words" in page(refused)
    assert 'value="Bad Name"' in page(refused)
    flag = make_flag()
    bad = {"expires_on": "2020-01-01", "needs": "enhanced", "r0_attribute": "seats", "r0_operator": "at_least"}
    refused = approver().post(EDIT, form(flag, **bad, r0_values="many", r0_then="on", note="Kept words"))
    text = page(refused)
    assert refused.status_code == 422
    assert "3 fields need another look" in text
    assert "is past" in text
    assert "Enhanced can&#x27;t need itself" in text
    assert "one number" in text
    assert "Kept words" in text
    assert 'value="many"' in text


def test_only_what_differs_is_changed_and_a_reshuffle_says_what_it_does() -> None:
    flag = make_flag(percent=10, note="Old words", rules=RULES)
    client = operator()
    assert "About 90 % of the users that have it lose it" in page(client.get(EDIT))
    same = client.post(EDIT, form(flag))
    assert same.status_code == 422
    assert "Nothing is different" in page(same)
    said = message(client.post(EDIT, form(flag, note="New words", reshuffle="on")))
    made = FlagChange.objects.get()
    assert set(made.after) == {"note", "salt"}
    assert made.after["salt"] != flag.salt
    assert f"/rollouts/changes/{made.pk}/undo/" in said


def test_more_rows_are_shown_and_nothing_is_saved() -> None:
    flag = make_flag()
    client = operator()
    filled = {"r0_attribute": "plan", "r0_values": "pro", "r1_attribute": "seats", "r1_values": "5"}
    more = client.post(EDIT, form(flag, **filled, note="Unsaved", more="1"))
    assert more.status_code == 200
    assert 'name="r3_attribute"' in page(more)
    assert "Unsaved" in page(more)
    assert not FlagChange.objects.exists()


def test_of_two_editors_the_second_sees_the_difference_and_takes_over_what_was_not_touched() -> None:
    flag = make_flag(note="Old words", owner="search")
    theirs = {"note": "Their words", "owner": "retrieval", "rules": RULES}
    change.change("enhanced", expect=flag.version, edit=theirs, by=BO, reason="New team", now=timezone.now())
    client = operator()
    beaten = client.post(EDIT, form(flag, note="My words"))
    text = page(beaten)
    assert beaten.status_code == 409
    assert "bo changed note, owner, rules 0 s ago: New team." in text
    assert "<td>Old words</td>" in text
    assert "<b>Their words</b>" in text
    assert "<td>My words</td>" in text
    assert ">My words</textarea>" in text
    assert 'value="retrieval"' in text
    assert 'value="seats"' in text
    current = Flag.objects.get()
    assert "is saved" in message(client.post(EDIT, form(current, note="My words")))
    current.refresh_from_db()
    assert (current.note, current.owner, current.rules) == ("My words", "retrieval", RULES)


def test_a_flag_is_deleted_by_its_name_and_not_while_the_code_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    flag = make_flag()
    client = operator()
    sent = {"version": flag.version, "reason": "Nothing asks for it", "typed": "enhanced"}
    wrong = client.post("/rollouts/enhanced/delete/", sent | {"typed": "enhance"})
    assert wrong.status_code == 422
    assert "Nothing asks for it" in page(wrong)
    with monkeypatch.context() as patch:
        patch.setattr("flags.catalog.entry._entries", {"enhanced": Entry("enhanced", "Used by the code")})
        refused = client.post("/rollouts/enhanced/delete/", sent)
        assert refused.status_code == 409
        assert "The code still asks for it." in page(refused)
    beaten = client.post("/rollouts/enhanced/delete/", sent | {"version": flag.version + 7})
    assert beaten.status_code == 409
    assert f'name="version" value="{flag.version}"' in page(beaten)
    assert "enhanced is deleted" in message(client.post("/rollouts/enhanced/delete/", sent))
    assert not Flag.objects.exists()


def test_who_may_not_lock_is_told_so_and_keeps_what_was_typed() -> None:
    flag = make_flag()
    refused = operator().post(EDIT, form(flag, is_locked="on", note="Kept words"))
    assert refused.status_code == 403
    assert "Locking and unlocking: only an admin may do this" in page(refused)
    assert "Kept words" in page(refused)
