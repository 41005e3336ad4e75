"""The drills of flags: the real verbs on flags of their own, of which only the audit log tells afterwards."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.utils import timezone

from flags import change, snapshot
from flags.health import toggle
from flags.models import Flag, FlagChange, RolloutPlan
from flags.snapshot import Receipt
from flags.snapshot.post import Post
from monitoring.health import drills
from monitoring.health.drills.registry import find
from monitoring.models import AuditEntry, Channel, DrillResult, Event, Notification
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db


def run(name: str) -> DrillResult:
    spec = find(name)
    assert spec is not None
    return drills.run(spec, actor="tests", reason="to see whether it works", now=timezone.now())


def run_apart(name: str) -> DrillResult:
    """Run it beside a flag and a channel of ours, and see that neither knows."""
    mine = make_flag("mine", 10)
    Channel.objects.create(name="pager", kind=Channel.Kind.WEBHOOK)
    row = run(name)
    assert all(step["passed"] for step in row.steps), f"{row.summary} {row.steps}"
    assert row.cleaned_up
    assert Flag.objects.get() == mine
    assert Flag.objects.get().version == mine.version
    assert list(snapshot.current().flags) == [name for name in snapshot.current().flags if "drill-" not in name]
    for kind in (RolloutPlan, FlagChange, Event, Notification):
        assert not kind.objects.exists(), kind
    assert set(AuditEntry.objects.filter(subject__startswith=row.scope).values_list("actor", flat=True)) == {"drill"}
    return row


def test_the_evaluations_have_their_shares_and_touch_no_other_flag() -> None:
    figures = {figure["name"]: figure["value"] for figure in run_apart("feature-flags-test").figures}
    assert figures["share of the first"] < 1.4
    assert figures["share after raising"] < 1.6
    assert figures["independence of two flags"] < 1.1
    assert figures["one evaluation"] > 0


def test_the_rollout_is_a_plans_and_tells_nobody() -> None:
    row = run_apart("rollout-test")
    climbed = [f"advance to {stage} %" for stage in (5, 10, 25, 50, 100)]
    assert [step["name"] for step in row.steps][1:8] == ["start a plan at 1 %", *climbed, "roll it back"]
    actions = AuditEntry.objects.filter(subject=row.scope).values_list("action", flat=True)
    assert {"plan.start", "plan.advance", "plan.roll_back", "flag.raise", "flag.roll_back"} <= set(actions)


def test_the_toggle_waits_for_every_process_that_lives() -> None:
    version = change.flagset().version + 100
    post = Post(settings.REDIS_URL)
    post.tell(Receipt("web:1", "web", version, datetime.now(UTC), 12.5), now=timezone.now().timestamp())
    row = run_apart("feature-toggle-test")
    assert [step["detail"].split(",")[0] for step in row.steps[1:]] == ["processes: 1", "processes: 1"]
    figures = {figure["name"]: figure["value"] for figure in row.figures}
    assert (figures["processes that told"], figures["from the change to the slowest process"]) == (1, 12.5)


def test_a_process_that_takes_nothing_fails_the_toggle(monkeypatch: pytest.MonkeyPatch) -> None:
    post = Post(settings.REDIS_URL)
    post.tell(Receipt("web:1", "web", 0, datetime.now(UTC), None), now=timezone.now().timestamp())
    monkeypatch.setattr(toggle, "SEEN_S", 0.1)
    row = run("feature-toggle-test")
    assert not row.passed
    assert "the page Rollouts says which" in row.summary


def test_a_freeze_stops_a_drill_and_it_says_so() -> None:
    by = change.Person.at_shell("tests")
    change.freeze(True, by=by, reason="nobody changes anything now", now=timezone.now())
    row = run("feature-toggle-test")
    assert not row.passed
    assert "frozen" in row.summary
    assert row.cleaned_up
