"""The API of flags: looking with any key, changing with an admin's, and what is answered to whoever was slower."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from flags import change, snapshot
from flags.models import CohortUnit, Flag
from memory.models import Scope
from tests.flags.change.made import BEN, NOW, WHY, make_unit
from tests.flags.make import make_flag
from tests.make import make_key, make_workspace
from tests.memory.api.conftest import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(db: None) -> Api:
    workspace = make_workspace()
    return Api(workspace, make_key(workspace, scope=Scope.ADMIN, name="ana"))


@pytest.fixture
def reader(db: None) -> Api:
    workspace = make_workspace()
    return Api(workspace, make_key(workspace, scope=Scope.READ))


def test_any_key_looks_and_only_an_admins_changes(admin: Api, reader: Api) -> None:
    for name in ("a", "b", "c"):
        make_flag(name, percent="12.500")
    status, page = reader.get("flags?limit=2")
    assert (status, [item["name"] for item in page["items"]], page["next"]) == (200, ["a", "b"], "b")
    assert [item["name"] for item in reader.get("flags?limit=2&cursor=b")[1]["items"]] == ["c"]
    shown = reader.get("flags/a")[1]
    assert (shown["share"], shown["percent"], shown["version"], shown["pinned_by"]) == (12.5, 12.5, 1, "")
    assert reader.get("flags/nobody")[0] == 404
    assert reader.get("flags?limit=500")[0] == 422
    asked = (
        ("POST", "flags", {"name": "d", "reason": WHY}),
        ("PATCH", "flags/a", {"version": 1, "reason": WHY, "percent": 5}),
        ("POST", "flags/a/kill", {"reason": WHY}),
        ("DELETE", f"flags/a?version=1&reason={WHY}", None),
        ("PUT", "flags/a/overrides/mara", {"is_on": True, "reason": WHY}),
        ("PUT", "flags/freeze", {"is_frozen": True, "reason": WHY}),
        ("POST", f"flags/changes/{uuid4()}/undo", {"reason": WHY}),
        ("POST", f"flags/proposals/{uuid4()}/approve", None),
    )
    assert [reader.call(*each)[0] for each in asked] == [403] * len(asked)
    assert Flag.objects.get(name="a").version == 1
    assert admin.call("PATCH", "flags/a", {"version": 1, "reason": WHY, "percent": 5})[1]["share"] == 5


def test_a_flags_life(admin: Api) -> None:
    fields = {"percent": "2.5", "unit": "workspace", "owner": "ana", "expires_on": "2199-01-31"}
    status, made = admin.post("flags", {"name": "fresh", "reason": WHY} | fields)
    assert (status, made["share"], made["expires_on"]) == (201, 2.5, "2199-01-31")
    assert admin.post("flags", {"name": "fresh", "reason": WHY})[0] == 409
    _, changed = admin.call("PATCH", "flags/fresh", {"version": 1, "reason": WHY, "percent": 25, "expires_on": None})
    assert (changed["version"], changed["share"], changed["expires_on"]) == (2, 25, None)
    _, killed = admin.post("flags/fresh/kill", {"reason": WHY})
    assert (killed["action"], killed["actor"], killed["before"]) == ("kill", "ana", {"everyone": None})
    assert admin.post("flags/fresh/kill", {"reason": WHY})[0] == 409
    assert admin.post(f"flags/changes/{killed['id']}/undo", {"reason": WHY})[1]["action"] == "undo"
    assert admin.call("PUT", "flags/fresh/overrides/a/b%20c", {"is_on": True, "reason": WHY})[0] == 200
    assert [each["unit"] for each in admin.get("flags/fresh/overrides")[1]["items"]] == ["a/b c"]
    assert admin.call("DELETE", f"flags/fresh/overrides/a/b%20c?reason={WHY}")[0] == 200
    assert admin.call("DELETE", f"flags/fresh?version=4&reason={WHY}") == (204, None)
    history = admin.get("flags/fresh/history")[1]["items"]
    actions = ["delete", "override", "override", "undo", "kill", "raise", "create"]
    assert [each["action"] for each in history] == actions
    assert admin.get("flags/nobody/history")[0] == 404
    assert admin.get("flags/stale")[0] == 200


def test_whoever_was_slower_gets_the_difference_and_what_is_wrong_gets_its_fields(admin: Api) -> None:
    make_flag("a", percent=10)
    change.change("a", expect=1, edit={"percent": 20}, by=BEN, reason=WHY, now=NOW)
    status, problem = admin.call("PATCH", "flags/a", {"version": 1, "reason": WHY, "percent": 30})
    assert (status, problem["version"], problem["actor"], problem["at"]) == (409, 2, "ben", "2026-11-12T09:00:00Z")
    assert problem["diff"] == {"percent": {"yours": "10", "theirs": "20"}}
    for body, field in (
        ({"percent": 100.5}, "percent"),
        ({"percent": 0.0001}, "percent"),
        ({"reason": "short"}, "reason"),
        ({"needs": ["a"]}, "needs"),
        ({"expires_on": "2020-01-01"}, "expires_on"),
        ({"starts_at": "2199-01-01T00:00:00Z", "ends_at": "2198-01-01T00:00:00Z"}, "ends_at"),
        ({"size": 3}, "size"),
        ({"version": 0}, "version"),
        ({"note": "a\0b"}, "note"),
    ):
        status, problem = admin.call("PATCH", "flags/a", {"version": 2, "reason": WHY, "percent": 30} | body)
        assert (status, problem["errors"][0]["field"]) == (422, field), body
    status, problem = admin.post("flags", {"name": "Not a name", "reason": WHY})
    assert (status, problem["errors"][0]["field"]) == (422, "name")
    assert Flag.objects.get(name="a").version == 2


def test_the_freeze_and_second_persons(admin: Api, reader: Api) -> None:
    make_flag("a", percent=10)
    other = Api(admin.workspace, make_key(admin.workspace, scope=Scope.ADMIN, name="ben"))
    assert admin.call("PUT", "flags/approval", {"over": 50, "reason": WHY})[1]["approval_over"] == 50
    status, asked = admin.call("PATCH", "flags/a", {"version": 1, "reason": WHY, "percent": 60})
    assert (status, asked["name"], asked["edit"], asked["state"]) == (202, "a", {"percent": "60"}, "waiting")
    assert [each["id"] for each in reader.get("flags/proposals")[1]["items"]] == [asked["id"]]
    assert admin.post(f"flags/proposals/{asked['id']}/approve", None)[0] == 403
    status, made = other.post(f"flags/proposals/{asked['id']}/approve", None)
    assert (status, made["actor"], made["after"]) == (200, "ana", {"percent": "60"})
    assert other.post(f"flags/proposals/{asked['id']}/refuse", {"reason": WHY})[0] == 409
    assert admin.call("PUT", "flags/freeze", {"is_frozen": True, "reason": WHY})[1]["is_frozen"] is True
    assert admin.call("PATCH", "flags/a", {"version": 2, "reason": WHY, "percent": 5})[0] == 409
    assert admin.post("flags/a/kill", {"reason": WHY})[0] == 200
    assert admin.call("PUT", "flags/guard", {"is_paused": True, "reason": WHY})[1]["is_guard_paused"] is True
    assert reader.get("flags/flagset")[1]["is_frozen"] is True


def test_who_is_in_and_whom_a_share_would_reach(admin: Api, reader: Api) -> None:
    flag = make_flag("a", percent=10)
    make_flag("b", percent=0, everyone=True)
    snapshot.forget()
    _, answer = reader.post("flags/evaluate", {"units": ["mara", "zoe"], "flags": ["a", "b"]})
    assert [(each["asked"], each["flag"]) for each in answer["items"]] == [
        ("mara", "a"), ("mara", "b"), ("zoe", "a"), ("zoe", "b"),
    ]  # fmt: skip
    assert [each["why"] for each in answer["items"]] == ["split", "on", "split", "on"]
    assert 0 < answer["items"][0]["enters_at"] <= 100
    assert reader.post("flags/evaluate", {"units": ["mara"], "flags": ["nobody"]})[0] == 404
    assert reader.post("flags/evaluate", {"units": []})[0] == 422
    assert {each["flag"] for each in reader.post("flags/evaluate", {"units": ["mara"]})[1]["items"]} >= {"a", "b"}
    CohortUnit.objects.bulk_create(make_unit(flag, f"u{n}", last_at=timezone.now(), workspace="w") for n in range(40))
    status, blast = reader.get("flags/a/blast?percent=100")
    assert (status, blast["units"] + blast["units_before"], blast["is_lowering"]) == (200, 40, False)
    assert len(blast["largest"]) == 5
    assert reader.get("flags/a/blast?percent=many")[0] == 422
    text = Client().get("/api/v1/flags/export", headers={"Authorization": f"Bearer {reader.key}"})
    assert text["Content-Type"] == "application/yaml"
    assert change.transfer.compared(text.content.decode()) == []


def test_the_description_has_examples(admin: Api) -> None:
    described = Client().get("/api/v1/openapi.json").json()
    assert "/api/v1/flags/{name}/blast" in described["paths"]
    assert described["components"]["schemas"]["FlagChangeIn"]["properties"]["reason"]["examples"]
