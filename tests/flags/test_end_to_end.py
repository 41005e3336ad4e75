"""A rollout from start to end, with all between: requests, cohorts, guard, flag, audit log, channel, chart."""

from __future__ import annotations

import pytest
from django.test import override_settings

from flags.models import FlagChange, RolloutPlan
from monitoring.alerts import Notifier, channels
from monitoring.models import AuditEntry, Event, Notification
from tests.flags.make import make_flag
from tests.flags.plan.rig import Service
from tests.monitoring.alerts.receivers import Hook, webhook

pytestmark = pytest.mark.django_db
State = RolloutPlan.State


def deliver(service: Service) -> None:
    """Send what waits, as the notifier's thread does."""
    while Notification.objects.filter(state="waiting", due_at__lte=service.now).exists():
        Notifier().tick(clock=lambda: service.now)


def titles(hook: Hook) -> list[str]:
    return [got.json["alerts"][0]["title"] for got in hook.got]


@override_settings(HOLDFAST_PRIVATE_WEBHOOKS=True)
def test_a_quarter_more_latency_is_rolled_back_and_everybody_knows() -> None:
    make_flag("enhanced", percent=0, salt="a")
    service = Service(latency=1.25)
    service.minute()  # everybody is control, and gets a history
    service.minute()
    with webhook() as hook:
        channels.create(name="hook", kind="webhook", target=hook.url, actor="ada", reason="on call", now=service.now)
        service.start()
        looks = service.run(lambda: service.plan.state != State.RUNNING, most=10)
        deliver(service)
    assert looks <= 8  # the guard judges from the fifth look on
    plan = service.plan
    assert (plan.state, float(service.flag.share)) == (State.ROLLED_BACK, 0)

    change = FlagChange.objects.get(action="roll_back")
    assert change.actor == "guard"
    assert "Latency is 2" in change.reason
    assert change.evidence is not None
    assert 1.15 < change.evidence["metrics"]["latency"]["ratio"] < 1.35
    assert change.evidence["metrics"]["latency"]["e_harm"] >= change.evidence["thresholds"]["harm"]
    audited = AuditEntry.objects.get(action="plan.roll_back")
    assert audited.after is not None
    assert audited.after["evidence"]["metrics"]["latency"]["e_harm"] >= 60
    assert titles(hook) == ["enhanced: the rollout begins", "enhanced: rolled back by its guard"]
    last = hook.got[-1].json["alerts"][0]
    assert (last["severity"], last["state"]) == ("critical", "notice")
    assert "Latency is 2" in last["said"]
    assert last["link"].endswith("/rollouts/?open=enhanced")
    drawn = list(Event.objects.filter(kind="flag", actor="guard").values_list("text", "tone"))
    assert drawn == [("enhanced 30 → 0 % (rolled back)", "warn")]


def test_a_rollout_that_harms_nobody_climbs_to_everybody() -> None:
    make_flag("enhanced", percent=0, salt="a")
    service = Service()
    service.minute()
    service.minute()
    service.start()
    service.run(lambda: service.plan.state != State.RUNNING, most=40)
    plan = service.plan
    assert (plan.state, float(service.flag.share)) == (State.DONE, 100)
    assert [stage.is_certified for stage in plan.stages.all()][:2] == [True, True]
    raised = FlagChange.objects.filter(action="advance").order_by("version")
    assert [(change.actor, change.after["percent"]) for change in raised] == [("plan", "60"), ("plan", "100")]
    assert all(change.evidence for change in raised)
    assert AuditEntry.objects.filter(subject="enhanced", action="plan.finish").exists()
