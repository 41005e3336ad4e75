"""OFREP's bulk evaluation: all flags with a tag that changes exactly when an answer may."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from flags import catalog, snapshot
from flags.api.ofrep.context import etag, parse
from flags.models import Flag
from memory.models import Workspace
from tests.flags.make import make_flag
from tests.flags.ofrep.conftest import Ask

pytestmark = pytest.mark.django_db
WHO = {"targetingKey": "user-7", "plan": "pro"}


def test_all_flags_are_answered_and_again_only_when_something_changed(ask: Ask) -> None:
    flag = make_flag("first", 0)
    make_flag("second", 100, everyone=False)
    answer = ask("", WHO)
    found = {one["key"]: one["value"] for one in answer.json()["flags"]}
    assert {name: found[name] for name in ("first", "second")} == {"first": False, "second": False}
    tag = answer["ETag"]
    again = ask("", dict(reversed(WHO.items())), If_None_Match=f'"other", W/{tag}')
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert ask("", WHO | {"plan": "free"}, If_None_Match=tag).status_code == 200
    Flag.objects.filter(pk=flag.pk).update(percent=100)
    snapshot.forget()
    changed = ask("", WHO, If_None_Match=tag)
    assert changed.status_code == 200
    assert {one["key"]: one["value"] for one in changed.json()["flags"]}["first"] is True


def test_a_flag_that_lacks_its_unit_fails_by_itself(ask: Ask) -> None:
    make_flag("users", 50)
    make_flag("all", 0, everyone=True)
    found = {one["key"]: one for one in ask("", {}).json()["flags"]}
    assert found["users"]["errorCode"] == "TARGETING_KEY_MISSING"
    assert found["all"]["value"] is True


def test_the_tag_changes_when_a_schedule_begins_and_ends(workspace: Workspace) -> None:
    began = datetime(2027, 1, 1, tzinfo=UTC)
    make_flag("timed", 100, starts_at=began, ends_at=began + timedelta(hours=1))
    known, context, at = snapshot.current(), parse(WHO), began.timestamp()
    tags = [etag(known, context, "w", now=at + moment) for moment in (-1, 0, 10, 3599, 3600, 9999)]
    assert tags[1] == tags[2] == tags[3]
    assert tags[4] == tags[5]
    assert len({*tags}) == 3
    assert etag(known, context, "another", now=at) != tags[1]


def test_the_tag_changes_with_what_the_environment_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    make_flag("forced", 100)
    before = etag(snapshot.current(), parse(WHO), "w", now=time.time())
    monkeypatch.setenv("FLAG_FORCE_FORCED", "off")
    catalog.reread()
    snapshot.forget()
    after = etag(snapshot.current(), parse(WHO), "w", now=time.time())
    assert before != after
