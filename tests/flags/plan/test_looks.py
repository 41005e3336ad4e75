"""What a look does about what it sees: it climbs, holds, asks, rolls back, and never overwrites what people did."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.db import connection

from flags import catalog, change, plan, snapshot
from flags.guard.verdict import Action
from flags.models import CohortMinute, FlagChange, RolloutPlan
from flags.watch import Watch
from monitoring import breakers
from monitoring.breakers import Policy
from monitoring.models import AuditEntry, Notification
from tests.flags.make import make_flag
from tests.flags.plan.made import ADA, BEGAN, begin, looks, measure, minute
from tests.monitoring.alerts.made import make_alert, make_channel, make_rule

pytestmark = pytest.mark.django_db
State = RolloutPlan.State
ON_CALL = "Breaks checkout for two tenants."


def told() -> list[str]:
    rows = Notification.objects.order_by("created_at", "id")
    return [row.message["alerts"][0]["title"].removeprefix("enhanced: ") for row in rows]


def at_ten(**fields: object) -> RolloutPlan:
    """A plan in its first stage, with enough measured to judge, and a channel that is told."""
    make_channel()
    flag = make_flag("enhanced", percent=0, salt="a")
    made = begin(flag)
    measure(flag, **fields)  # type: ignore[arg-type]
    return made


def test_a_stage_is_left_when_its_time_is_over_and_it_is_proved_safe() -> None:
    made = at_ten()
    verdicts = looks(made, 5)
    assert [verdict.action for verdict in verdicts if verdict] == [Action.WAIT] * 4 + [Action.ADVANCE]
    assert (made.state, made.stage, float(made.flag.share), float(made.certified_percent)) == (State.RUNNING, 2, 50, 10)
    assert told() == ["the rollout begins", "advances to 50 %"]
    advanced = FlagChange.objects.get(action="advance")
    assert (advanced.actor, advanced.version) == ("plan", made.flag_version)
    assert advanced.evidence is not None
    assert advanced.evidence["arms"]["exposed"] == {"units": 60, "requests": 6000}


def test_minutes_without_any_request_are_no_soaking() -> None:
    made = begin(make_flag("enhanced", percent=0, salt="a"))
    looks(made, 12)
    assert (made.state, made.causes, made.stage) == (State.HELD, ["no telemetry"], 1)
    assert made.stages.get(number=1).soaked_min == pytest.approx(4)


def test_a_watch_that_was_away_does_not_count_the_time_as_soaked() -> None:
    made = at_ten()
    looks(made, 1, first=300)
    assert made.stages.get(number=1).soaked_min == pytest.approx(5)


def test_errors_without_end_stop_it_at_the_first_look() -> None:
    made = at_ten(exposed=8, control=10)
    CohortMinute.objects.create(
        flag=made.flag, minute=minute(1), is_exposed=True, requests=900, errors=600, failing=list("abcdef")
    )
    looks(made, 1)
    made.flag.refresh_from_db()
    assert (made.state, float(made.flag.share)) == (State.ROLLED_BACK, 0)
    assert " units." in made.said


def test_a_rollback_may_stop_at_the_certified_share() -> None:
    flag = make_flag("enhanced", percent=0, salt="a")
    made = begin(flag, policy={"back_to_certified": True})
    measure(flag)
    looks(made, 5)
    measure(flag, exposed=300, control=300, slower=1.2)
    looks(made, 3, first=6)
    flag.refresh_from_db()
    assert (made.state, float(flag.share)) == (State.ROLLED_BACK, 10)


def test_what_a_person_changed_meanwhile_is_held_and_not_overwritten() -> None:
    made = at_ten()
    change.change("enhanced", expect=made.flag_version, edit={"percent": 3}, by=ADA, reason=ON_CALL, now=minute(1))
    looks(made, 8, first=2)
    made.flag.refresh_from_db()
    assert (made.state, made.causes, float(made.flag.share)) == (State.HELD, ["changed by hand"], 3)
    assert f"3 % now (ada: {ON_CALL})" in made.said
    assert told() == ["the rollout begins", "the rollout is held: changed by hand"]  # once
    plan.resume("enhanced", by=ADA, reason="Checkout is mended, go on.", now=minute(10))
    made.refresh_from_db()
    made.flag.refresh_from_db()
    assert (made.state, float(made.flag.share), made.flag_version) == (State.RUNNING, 10, made.flag.version)


def test_harm_under_a_changed_flag_is_told_and_left_to_people() -> None:
    made = at_ten(slower=1.3)
    change.change("enhanced", expect=made.flag_version, edit={"percent": 12}, by=ADA, reason=ON_CALL, now=minute(1))
    looks(made, 5, first=2)
    made.flag.refresh_from_db()
    assert (made.state, float(made.flag.share)) == (State.HELD, 12)
    assert told()[-1] == "the rollout is held: changed by hand, harm not acted on"


def test_an_owner_or_an_override_is_no_change_for_the_plan() -> None:
    made = at_ten()
    change.change("enhanced", expect=made.flag_version, edit={"owner": "core"}, by=ADA, reason=ON_CALL, now=minute(1))
    change.override("enhanced", "u1", True, by=ADA, reason=ON_CALL, now=minute(1))
    looks(made, 5)
    made.flag.refresh_from_db()
    assert (made.state, made.stage, float(made.flag.share)) == (State.RUNNING, 2, 50)


def test_a_flag_that_is_killed_holds_its_plan() -> None:
    made = at_ten()
    change.kill("enhanced", by=ADA, reason=ON_CALL, now=minute(1))
    looks(made, 1)
    assert (made.state, made.causes) == (State.HELD, ["changed by hand"])


def test_lost_exposures_hold_until_somebody_accepts_them() -> None:
    made = at_ten(exposed=60, control=1500)
    looks(made, 1)
    assert (made.state, made.causes) == (State.HELD, ["sample ratio"])
    plan.resume("enhanced", by=ADA, reason="A known hole in telemetry.", now=minute(2))
    looks(made, 5, first=2)
    assert (made.stage, made.accepted) == (2, [])  # in the next stage it would hold anew


@contextmanager
def cut_off() -> Iterator[None]:
    breakers.register("provider.chat", policy=Policy(), title="Chat model", fallback_text="")
    breakers.force_open("provider.chat", actor="ada", reason="maintenance", until=minute(60), now=BEGAN)
    yield
    breakers.end_override("provider.chat", actor="ada", reason="maintenance is over", now=BEGAN)
    breakers.reset("provider.chat", actor="ada", reason="maintenance is over", now=BEGAN)


def test_an_open_breaker_holds_for_as_long_as_it_is_open() -> None:
    made = at_ten()
    with cut_off():
        looks(made, 6)
        assert (made.state, made.causes, made.stage) == (State.HELD, ["breaker open"], 1)
        assert "Chat model" in made.said
    looks(made, 1, first=7)
    assert (made.state, made.stage) == (State.RUNNING, 2)
    assert told()[1:] == ["the rollout is held: breaker open", "advances to 50 %"]


def test_an_accepted_outage_that_is_over_holds_again_when_it_comes_back() -> None:
    made = at_ten()
    rule = make_rule(thresholds=[{"severity": "critical", "fire": 1, "clear": 1}])
    alert = make_alert(rule, severity="critical")
    looks(made, 1)
    assert (made.state, made.causes) == (State.HELD, ["incident open"])
    plan.resume("enhanced", by=ADA, reason="Has nothing to do with it.", now=minute(2))
    looks(made, 1, first=2)
    assert (made.state, made.accepted) == (State.RUNNING, ["incident open"])
    alert.delete()
    looks(made, 1, first=3)
    make_alert(rule, severity="critical")
    looks(made, 1, first=4)
    assert (made.state, made.causes) == (State.HELD, ["incident open"])


def test_a_paused_guard_watches_says_and_does_nothing() -> None:
    made = at_ten(slower=1.3)
    change.pause_guard(True, by=ADA, reason="A drill of the guards.", now=BEGAN)
    looks(made, 6)
    made.flag.refresh_from_db()
    assert (made.state, made.looks, float(made.flag.share)) == (State.RUNNING, 6, 10)
    assert made.said.startswith("The guard is paused. It would roll back: Latency is 3")


def test_frozen_flags_climb_no_further_and_still_come_down() -> None:
    made = at_ten()
    change.freeze(True, by=ADA, reason="The holidays have begun.", now=BEGAN)
    looks(made, 6)
    assert (made.state, made.stage, made.said) == (State.RUNNING, 1, "All flags are frozen: it stays where it is.")
    CohortMinute.objects.filter(is_exposed=True).update(minute=minute(7), errors=5000)
    looks(made, 1, first=7)
    made.flag.refresh_from_db()
    assert (made.state, float(made.flag.share)) == (State.ROLLED_BACK, 0)


def test_a_share_that_needs_two_people_is_asked_for_and_climbed_to_once_both_agree() -> None:
    made = at_ten()
    change.require_approval(Decimal(20), by=ADA, reason="Four eyes from here on.", now=BEGAN)
    looks(made, 6)
    assert (made.state, made.stage) == (State.ASKING, 1)
    plan.advance("enhanced", by=ADA, reason="It looks good to me.", now=minute(7))
    made.refresh_from_db()
    assert (made.state, made.stage, made.said) == (State.ASKING, 1, "It waits for a second person's approval.")
    [waiting] = change.waiting(minute(7))
    eve = change.Person("eve", may_change=True, may_approve=True)
    change.approve(waiting.pk, by=eve, now=minute(8))
    looks(made, 1, first=9)
    made.flag.refresh_from_db()
    assert (made.state, made.stage, float(made.flag.share)) == (State.RUNNING, 2, 50)


def test_what_stays_unproved_is_asked_once() -> None:
    flag = make_flag("enhanced", percent=0, salt="a")
    make_channel()
    made = begin(flag, policy={"longest_dwell_min": 8, "least_units": 1000})
    measure(flag)
    looks(made, 12)
    assert made.state == State.ASKING
    assert told() == ["the rollout begins", "the rollout needs a decision"]


def test_a_pinned_flag_moves_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    made = at_ten()
    monkeypatch.setenv("FLAG_FORCE_ENHANCED", "off")
    catalog.reread()
    snapshot.forget()
    looks(made, 1)
    assert (made.state, made.causes) == (State.HELD, ["pinned by environment"])


def test_the_last_word_is_in_the_audit_log() -> None:
    made = at_ten(slower=1.3)
    looks(made, 5)
    entry = AuditEntry.objects.get(action="plan.roll_back")
    assert (entry.actor, entry.subject) == ("guard", "enhanced")
    assert entry.after is not None
    assert entry.after["state"] == "rolled_back"
    assert entry.after["evidence"]["standing"]["exposed_units"] == 60
    assert made.ended_at == minute(5)


@pytest.mark.django_db(transaction=True)
def test_two_watchers_at_once_act_once() -> None:
    made = at_ten(slower=1.3)
    looks(made, 4)
    barrier = threading.Barrier(2, timeout=20)

    def tick() -> None:
        watch = Watch()
        barrier.wait()
        watch.tick(int(minute(5).timestamp()))
        connection.close()

    threads = [threading.Thread(target=tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made.refresh_from_db()
    assert (made.state, made.looks) == (State.ROLLED_BACK, 5)
    assert FlagChange.objects.filter(action="roll_back").count() == 1
    assert told() == ["the rollout begins", "rolled back by its guard"]


def test_one_plan_that_cannot_be_looked_at_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    damaged = begin(make_flag("damaged", percent=0))
    RolloutPlan.objects.filter(pk=damaged.pk).update(policy={"alpha": "much"})
    made = at_ten()
    Watch().tick(int(minute(1).timestamp()))
    made.refresh_from_db()
    damaged.refresh_from_db()
    assert made.looks == 1
    assert "The last look failed (InvalidError)" in damaged.said
    assert "flag=damaged" in caplog.text
