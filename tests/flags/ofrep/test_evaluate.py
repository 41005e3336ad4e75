"""OFREP's single evaluation: shapes, reasons, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client, override_settings

from flags import bucketing, catalog, snapshot
from flags.models import Override, Unit
from memory.models import Workspace
from monitoring.metrics import record
from tests.flags.make import make_flag
from tests.flags.ofrep.conftest import Ask

pytestmark = pytest.mark.django_db
ON_PRO = [{"if": [{"attribute": "plan", "operator": "in", "values": ["pro"]}], "then": True}]


def of(name: str, operator: str, value: str) -> list[dict[str, Any]]:
    return [{"if": [{"attribute": name, "operator": operator, "values": [value]}], "then": True}]


def test_a_share_answers_split_with_all_that_telemetry_reads(ask: Ask) -> None:
    flag = make_flag("dedup-v2", 50, salt="dedup-v2")
    answer = ask("dedup-v2", {"targetingKey": "user-7"})
    assert answer.status_code == 200
    enters_at = float(bucketing.enters_at("dedup-v2", "user-7"))
    is_on = enters_at <= 50
    flag.refresh_from_db()
    assert json.loads(answer.content) == {
        "key": "dedup-v2",
        "value": is_on,
        "variant": "on" if is_on else "off",
        "reason": "SPLIT",
        "metadata": {
            "flagVersion": flag.version,
            "version": str(flag.version),
            "flagSetId": "holdfast",
            "contextId": "user-7",
            "enters_at": enters_at,
            "why": "split",
        },
    }


def test_each_way_to_decide_has_its_reason(ask: Ask) -> None:
    make_flag("killed", 100, everyone=False)
    make_flag("everyone", 0, everyone=True)
    make_flag("over", 100, ends_at=datetime.now(UTC) - timedelta(hours=1))
    make_flag("ruled", 0, rules=ON_PRO)
    make_flag("needs", 100, needs=["killed"])
    chosen = make_flag("chosen", 0)
    Override.objects.create(flag=chosen, unit="u", is_on=True, actor="t", reason="a test", at=datetime.now(UTC))
    snapshot.forget()
    context = {"targetingKey": "u", "plan": "pro"}
    told = {name: ask(name, context).json() for name in ("killed", "everyone", "over", "ruled", "needs", "chosen")}
    assert {name: (one["value"], one["variant"], one["reason"]) for name, one in told.items()} == {
        "killed": (False, "off", "DISABLED"),
        "everyone": (True, "on", "STATIC"),
        "over": (False, "off", "DISABLED"),
        "ruled": (True, "on", "TARGETING_MATCH"),
        "needs": (False, "off", "UNKNOWN"),
        "chosen": (True, "on", "TARGETING_MATCH"),
    }
    assert told["needs"]["metadata"]["by"] == "killed"
    assert ask("ruled", {"targetingKey": "u"}).json()["reason"] == "SPLIT"


def test_what_the_environment_pins_is_static(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAG_FORCE_PINNED", "on")
    catalog.reread()
    make_flag("pinned", 0)
    told = ask("pinned").json()
    assert (told["value"], told["reason"], told["metadata"]["why"]) == (True, "STATIC", "pinned")


def test_the_workspace_is_that_of_the_key_whatever_the_context_says(ask: Ask, workspace: Workspace) -> None:
    make_flag("mine", 0, rules=of("workspace", "in", str(workspace.pk)))
    make_flag("theirs", 0, rules=of("workspace", "in", "another"))
    make_flag("drawn", 100, unit=Unit.WORKSPACE)
    context = {"targetingKey": "u", "workspace": "another"}
    assert ask("mine", context).json()["value"] is True
    assert ask("theirs", context).json()["value"] is False
    assert ask("drawn", {}).json()["metadata"]["contextId"] == str(workspace.pk)


def test_a_flag_without_the_unit_that_it_draws_is_a_failure_that_says_what_to_send(ask: Ask) -> None:
    make_flag("users", 100)
    make_flag("talks", 100, unit=Unit.CONVERSATION)
    record.drain()
    missing = ask("users")
    assert (missing.status_code, missing.json()["errorCode"]) == (400, "TARGETING_KEY_MISSING")
    assert "targetingKey" in missing.json()["errorDetails"]
    talks = ask("talks", {"targetingKey": "u"})
    assert talks.status_code == 400
    assert "`conversation`" in talks.json()["errorDetails"]
    assert ask("talks", {"conversation": "c1"}).json()["value"] is True
    assert record.drain().counters["flags.no_unit"] == 2


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        ("{", 400, "PARSE_ERROR", "not JSON"),
        ("[]", 400, "PARSE_ERROR", "an object"),
        ({"context": 5}, 400, "INVALID_CONTEXT", "got int"),
        ({"context": {"targetingKey": 7}}, 400, "INVALID_CONTEXT", "must be a text"),
        ({"context": {"targetingKey": "u" * 201}}, 400, "INVALID_CONTEXT", "at most 200"),
        ({"context": {f"a{n}": n for n in range(101)}}, 400, "INVALID_CONTEXT", "at most 100 attributes"),
        ({"context": {"a": [[[[[1]]]]]}}, 400, "INVALID_CONTEXT", "nested 5 deep"),
        ({"context": {"a": list(range(1000))}}, 400, "INVALID_CONTEXT", "1,000 values"),
        ({"context": {"a": "x" * 65536}}, 413, "INVALID_CONTEXT", "65,536 bytes"),
    ],
)
def test_a_body_that_is_no_context_is_refused_in_the_protocols_words(
    ask: Ask, body: Any, status: int, code: str, says: str
) -> None:
    make_flag("any", 100)
    refused = ask("any", body=body)
    assert (refused.status_code, refused.json()["errorCode"], refused.json()["key"]) == (status, code, "any")
    assert says in refused.json()["errorDetails"]


def test_an_unknown_flag_is_not_found(ask: Ask) -> None:
    gone = ask("Nobody's", {"targetingKey": "u"})
    assert (gone.status_code, gone.json()["errorCode"], gone.json()["key"]) == (404, "FLAG_NOT_FOUND", "Nobody's")
    assert "errorDetails" in ask("with/slash", {"targetingKey": "u"}).json()


def test_a_key_is_asked_for_and_either_header_will_do(ask: Ask, client: Client) -> None:
    path = "/ofrep/v1/evaluate/flags/any"
    make_flag("any", 100)
    without = client.post(path, {}, content_type="application/json")
    assert without.status_code == 401
    assert without["WWW-Authenticate"] == "Bearer"
    assert "Bearer KEY" in without.json()["errorDetails"]
    assert ask("any", {"targetingKey": "u"}, X_API_Key="m0-nobody").status_code == 401
    assert ask("any", {"targetingKey": "u"}).json()["value"] is True


@override_settings(HOLDFAST_OFREP_RATE=2)
def test_a_key_that_asks_too_often_is_told_when_to_come_back(ask: Ask) -> None:
    make_flag("any", 100)
    answers = [ask("any", {"targetingKey": "u"}) for _ in range(5)]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused["Retry-After"] == "1"
    assert "errorDetails" in refused.json()


def test_the_page_of_the_operations_is_there(client: Client) -> None:
    paths = client.get("/ofrep/v1/openapi.json").json()["paths"]
    assert set(paths) == {"/ofrep/v1/evaluate/flags/{key}", "/ofrep/v1/evaluate/flags"}
