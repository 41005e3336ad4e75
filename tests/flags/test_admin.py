from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from flags import rollout, snapshot
from flags.models import Flag, FlagChange, Flagset
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db
WHY = "People asked for it."
CREATED = FlagChange.Action.CREATE


def sign_in(*permissions: str) -> Client:
    user = User.objects.create_user("ana", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=(*permissions, "view_flag")))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ops() -> Client:
    return sign_in("add_flag", "change_flag")


def filled(flag: Flag | None = None, **fields: Any) -> dict[str, Any]:
    flag = flag or Flag(percent=0)
    form = {
        "everyone": "unknown",
        "percent": flag.percent,
        "salt": flag.salt,
        "unit": flag.unit,
        "kind": flag.kind,
        "rules": "[]",
        "needs": "[]",
        "seen": flag.version,
        "reason": WHY,
    }
    return form | fields


def post(client: Client, flag: Flag, **fields: Any) -> Any:
    return client.post(reverse("admin:flags_flag_change", args=[flag.pk]), filled(flag, **fields))


def faults(answer: Any) -> dict[str, list[str]]:
    return dict(answer.context["adminform"].form.errors)


def test_a_change_in_the_admin_is_a_change_like_any_other(ops: Client) -> None:
    flag = make_flag(percent=10)
    assert ops.get(reverse("admin:flags_flag_change", args=[flag.pk])).status_code == 200
    assert post(ops, flag, percent="25").status_code == 302
    made = FlagChange.objects.get()
    assert (made.before, made.after, made.actor, made.reason) == ({"percent": "10"}, {"percent": "25"}, "ana", WHY)
    snapshot.forget()
    assert snapshot.current().flags["enhanced"].percent == 25


def test_a_flag_is_made_with_a_reason(ops: Client) -> None:
    url = reverse("admin:flags_flag_add")
    assert ops.get(url).status_code == 200
    answer = ops.post(url, filled(name="made", percent="5", languages="de"))
    assert answer.status_code == 302, faults(answer)
    made = Flag.objects.get(name="made")
    assert (made.percent, made.languages, made.changes.filter(action=CREATED).count()) == (5, "de", 1)
    assert "Use 1 to 100 of a-z" in str(faults(ops.post(url, filled(name="No Spaces"))))


@pytest.mark.parametrize(
    ("fields", "field", "fault"),
    [
        ({"percent": "12.3456", "reason": WHY}, "percent", "decimal places"),
        ({"percent": "20", "reason": "short"}, "reason", "8 to 500 characters"),
        ({"percent": "20", "seen": 0}, "__all__", "you saw 0"),
        ({}, "__all__", "names no field to change"),
        ({"needs": '["enhanced"]'}, "needs", "enhanced"),
        ({"starts_at_0": "2027-01-02", "starts_at_1": "09:00", "ends_at_0": "2027-01-01", "ends_at_1": "09:00"},
         "ends_at", "is not after its start"),
    ],
)  # fmt: skip
def test_what_the_verb_refuses_stands_in_the_form(ops: Client, fields: dict[str, Any], field: str, fault: str) -> None:
    flag = make_flag(percent=10)
    answer = post(ops, flag, **fields)
    assert answer.status_code == 200
    assert fault in str(faults(answer)[field])
    flag.refresh_from_db()
    assert flag.version == 1
    assert flag.percent == 10


def test_whom_waffle_lets_in_is_changed_with_a_reason_and_leaves_the_cohorts_alone(ops: Client) -> None:
    flag, ben, group = make_flag(percent=10), User.objects.create_user("ben"), Group.objects.create(name="testers")
    answer = post(ops, flag, staff="on", users=str(ben.pk), groups=[group.pk])
    assert answer.status_code == 302, faults(answer)
    flag.refresh_from_db()
    assert (flag.staff, flag.version, list(flag.users.all()), list(flag.groups.all())) == (True, 1, [ben], [group])
    made = FlagChange.objects.get()
    assert made.before == {"staff": False, "users": [], "groups": []}
    assert made.after == {"staff": True, "users": ["ben"], "groups": ["testers"]}


def test_a_locked_flag_is_only_looked_at_by_operators() -> None:
    flag = make_flag(percent=10, is_locked=True)
    assert post(sign_in("change_flag"), flag, percent="20", is_locked="on").status_code == 403
    User.objects.all().delete()
    admin = sign_in("change_flag", "approve_flag")
    assert post(admin, flag, percent="20", is_locked="on").status_code == 302


def test_more_than_one_person_may_decide_for_waits(ops: Client) -> None:
    flag = make_flag(percent=10)
    Flagset.objects.update_or_create(pk=Flagset.ONLY, defaults={"approval_over": 50})
    answer = ops.post(reverse("admin:flags_flag_change", args=[flag.pk]), filled(flag, percent="80"), follow=True)
    assert "It waits for a second person" in answer.content.decode()
    flag.refresh_from_db()
    assert flag.percent == 10


def test_the_list_kills_and_deletes_with_a_reason(ops: Client) -> None:
    flag = make_flag(percent=100)
    url = reverse("admin:flags_flag_changelist")
    chosen = {"_selected_action": [flag.pk]}
    answer = ops.post(url, chosen | {"action": "kill"}, follow=True)
    assert "say why in 8 to 500 characters" in answer.content.decode()
    ops.post(url, chosen | {"action": "kill", "reason": WHY})
    snapshot.forget()
    assert not rollout.is_on("enhanced", "mara")
    ops.post(url, chosen | {"action": "remove", "reason": WHY})
    assert not Flag.objects.exists()
    assert {made.action for made in FlagChange.objects.all()} == {"kill", "delete"}
