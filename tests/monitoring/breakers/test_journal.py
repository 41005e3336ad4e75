from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.conf import settings
from django.core.management import call_command

from monitoring import breakers
from monitoring.breakers import Journal, State, Transition
from monitoring.breakers.ops import journal
from monitoring.breakers.registry import Registry
from monitoring.breakers.shared.store import LOG
from monitoring.metrics import record
from monitoring.models import Event
from tests.monitoring.breakers.made import EPOCH_S, Clock, make_processes, make_store
from tests.monitoring.processes import forked

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL)


def drain() -> None:
    Journal(make_store()).drain()


def outage(clock: Clock, name: str = "chat") -> None:
    """Opened, half-open, opened again, half-open, closed."""
    (one,) = make_processes(clock, 1, name=name, consecutive=2, successes=1)
    one.fail(2)
    clock.move(10)
    one.breaker.admit().fail("504 upstream timed out")
    clock.move(20)
    one.breaker.admit().succeed()


def make_transition(after: State, at: datetime, before: State = State.CLOSED, name: str = "chat") -> Transition:
    id = journal.id_of(at, name, after)
    return Transition.objects.create(id=id, name=name, version=1, at=at, before=before, after=after, cause="rate")


def test_every_transition_becomes_a_row_and_an_event(clock: Clock) -> None:
    outage(clock)
    drain()
    rows = list(
        Transition.objects.order_by("at", "version").values_list("version", "before", "after", "cause", "reason")
    )
    assert rows == [
        (1, "closed", "open", "consecutive", "2 calls in a row failed"),
        (2, "open", "half_open", "probing", "2 at a time, 1 close it"),
        (3, "half_open", "open", "probe", "a probe failed: 504 upstream timed out"),
        (4, "open", "half_open", "probing", "2 at a time, 1 close it"),
        (5, "half_open", "closed", "recovered", "1 of 1 probes passed"),
    ]
    told = list(Event.objects.order_by("at", "id").values_list("kind", "tone", "actor"))
    assert told == [("breaker", tone, "") for tone in ("crit", "warn", "crit", "warn", "ok")]
    first = Event.objects.earliest("at")
    assert first.text == "Chat open: 2 calls in a row failed"
    assert first.at == datetime.fromtimestamp(EPOCH_S, UTC)
    assert client().llen(LOG) == 0


def test_a_crash_between_writing_and_removing_doubles_nothing(clock: Clock) -> None:
    outage(clock)
    waiting = client().lrange(LOG, 0, -1)
    drain()
    client().rpush(LOG, *waiting)  # as if it had not been removed
    outage(clock, "mail")
    drain()
    assert Transition.objects.count() == Event.objects.count() == 10
    assert client().llen(LOG) == 0


def test_the_count_of_openings_and_closings_is_measured_once(clock: Clock) -> None:
    outage(clock)

    def work() -> dict[str, float]:
        entries = journal._entries([bytes(each) for each in client().lrange(LOG, 0, -1)])  # type: ignore[arg-type]
        for entry in entries:
            journal.measure(entry)
        return record.drain().counters

    counted = forked(work)
    assert {name: n for name, n in counted.items() if name.startswith("breaker.chat")} == {
        "breaker.chat.opened": 2,
        "breaker.chat.closed": 1,
    }


def test_what_no_breaker_told_is_left_out(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    client().rpush(LOG, b"nonsense", json.dumps({"name": "x"}), json.dumps([1]))
    outage(clock)
    drain()
    assert Transition.objects.count() == 5
    assert client().llen(LOG) == 0
    assert caplog.text.count("event=breakers_malformed") == 3


def test_shadow_tells_what_it_would_have_done_once_an_open_time(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, name="new", consecutive=2, shadow=True, open_s=10)
    for _ in range(3):
        one.fail(5)
        one.breaker.sync()
    clock.move(11)
    one.fail(2)
    one.breaker.sync()
    drain()
    assert set(Transition.objects.values_list("before", "after", "cause")) == {
        ("metrics_only", "metrics_only", "would_open")
    }
    assert Transition.objects.count() == 2
    assert Event.objects.latest("at").text.startswith("New would open: ")
    assert Event.objects.latest("at").tone == "info"


def test_many_members_of_a_family_that_open_together_are_one_event(own_registry: Registry) -> None:
    family = breakers.family("processing.user", breakers.Policy(consecutive=1), title="Processing of")
    for number in range(5):
        family.of(f"ws:user-{number}").admit().fail("error")
    drain()
    assert Transition.objects.filter(after="open", name__startswith="processing.user/").count() == 5
    event = Event.objects.get()
    assert (event.text, event.tone) == ("processing.user: 5 breakers open", "crit")


def test_the_aggregator_does_it_each_second(clock: Clock) -> None:
    outage(clock)
    client().delete("metrics:blobs")
    call_command("aggregate", "--once")
    assert Transition.objects.count() == 5


# Read again


def test_the_timeline_adds_up_to_the_span() -> None:
    make_transition(State.OPEN, NOON + timedelta(minutes=10))
    make_transition(State.HALF_OPEN, NOON + timedelta(minutes=15), State.OPEN)
    make_transition(State.CLOSED, NOON + timedelta(minutes=16), State.HALF_OPEN)
    make_transition(State.OPEN, NOON + timedelta(minutes=12), name="other")
    spans = breakers.timeline("chat", NOON, NOON + timedelta(hours=1))
    assert spans == [
        (State.CLOSED, 600),
        (State.OPEN, 300),
        (State.HALF_OPEN, 60),
        (State.CLOSED, 2640),
    ]


def test_the_timeline_begins_with_what_was_before(clock: Clock) -> None:
    make_transition(State.OPEN, NOON - timedelta(minutes=10))
    assert breakers.timeline("chat", NOON, NOON + timedelta(minutes=1)) == [(State.OPEN, 60)]
    assert breakers.timeline("nobody", NOON, NOON + timedelta(minutes=1)) == [(State.CLOSED, 60)]


def test_a_step_to_the_same_state_is_no_new_stretch() -> None:
    make_transition(State.CLOSED, NOON + timedelta(minutes=10))
    assert breakers.timeline("chat", NOON, NOON + timedelta(hours=1)) == [(State.CLOSED, 3600)]


def test_history_is_the_latest_first(clock: Clock) -> None:
    outage(clock)
    drain()
    assert [each.after for each in breakers.history("chat", 2)] == ["closed", "half_open"]


def test_old_rows_go_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PRUNED", 2)
    for days in (1, 91, 92, 93):
        make_transition(State.OPEN, NOON - timedelta(days=days))
    journal.prune(now=NOON)
    assert Transition.objects.count() == 2
    journal.prune(now=NOON)
    assert Transition.objects.get().at == NOON - timedelta(days=1)


def test_metrics_are_counted_where_calls_are(own_registry: Registry) -> None:
    def work() -> dict[str, float]:
        breaker = breakers.register("mail", title="Mail", policy=breakers.Policy(consecutive=2))
        breaker.call(lambda: None)
        for _ in range(2):
            breaker.admit().fail("504")
        for _ in range(3):
            with pytest.raises(breakers.OpenError):
                breaker.admit()
        member = breakers.family("users", breakers.Policy(consecutive=2), title="User").of("ws:1")
        member.call(lambda: None)
        own_registry.round()
        return record.drain().counters

    counted = forked(work)
    assert {name: n for name, n in counted.items() if name.startswith("breaker.")} == {
        "breaker.mail.ok": 1,
        "breaker.mail.failed": 2,
        "breaker.mail.rejected": 3,
        "breaker.users.ok": 1,
    }
