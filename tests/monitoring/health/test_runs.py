"""How drills are run: once at a time, not too often, in their time, and cleaned up whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from memory.models import Scope
from monitoring.health import drills
from monitoring.health.drills import Drill, FailedError, Spec, require
from monitoring.health.drills import registry as drill_registry
from monitoring.health.drills.run import PER_MINUTE, sweep
from monitoring.models import AuditEntry, DrillResult
from tests.make import NOW, make_key

pytestmark = pytest.mark.django_db


class Places:
    """What a drill's `clean` was asked to remove."""

    def __init__(self) -> None:
        self.cleaned: list[str] = []


@pytest.fixture
def places() -> Places:
    return Places()


@pytest.fixture
def make(places: Places, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Spec]:
    monkeypatch.setattr(drill_registry, "_specs", {})

    def spec(do: Callable[[Drill], None] = lambda drill: None, name: str = "try-out", **fields: object) -> Spec:
        made = Spec(name=name, title="Try out", about="", do=do, clean=places.cleaned.append, **fields)  # type: ignore[arg-type]
        drills.register(made)
        return made

    return spec


def run(spec: Spec, **of: object) -> DrillResult:
    return drills.run(spec, **{"actor": "ops", "reason": "because", "now": NOW} | of)  # type: ignore[arg-type]


def test_a_run_is_kept_with_steps_figures_and_who_asked(make: Callable[..., Spec]) -> None:
    def do(drill: Drill) -> None:
        with drill.step("look") as step:
            step.detail = "seen"
        drill.figure("speed", 10, "ms", 20)
        drill.figure("share", 0.9, "", 0.8, at_most=False)

    row = run(make(do))
    assert row.passed
    assert row.steps[0] | {"took_ms": 0} == {"name": "look", "passed": True, "took_ms": 0, "detail": "seen"}
    assert [figure["passed"] for figure in row.figures] == [True, True]
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject, entry.reason) == ("ops", "drill.run", "try-out", "because")


def test_a_missed_target_fails_the_drill_and_says_which(make: Callable[..., Spec]) -> None:
    row = run(make(lambda drill: drill.figure("speed", 30, "ms", 20) and None))
    assert not row.passed
    assert row.summary == "Speed is 30 ms, over the target of 20."


def test_a_step_that_fails_ends_the_drill_which_is_cleaned_up(make: Callable[..., Spec], places: Places) -> None:
    def do(drill: Drill) -> None:
        with drill.step("first"):
            require(False, "It is not so: do this.")
        raise AssertionError("never reached")

    row = run(make(do))
    assert not row.passed
    assert row.summary == "It is not so: do this."
    assert row.cleaned_up
    assert places.cleaned == ["drill-try-out-", row.scope], "what an earlier run left goes first"


def test_an_unexpected_error_is_told_by_its_kind_alone(make: Callable[..., Spec]) -> None:
    def do(drill: Drill) -> None:
        with drill.step("leak"):
            raise RuntimeError("password=hunter2")

    row = run(make(do))
    assert "RuntimeError" in row.summary
    assert "hunter2" not in f"{row.summary}{row.steps}"


def test_what_can_not_be_removed_fails_the_drill(make: Callable[..., Spec]) -> None:
    def stuck(scope: str) -> None:
        if scope != "drill-try-out-":
            raise RuntimeError("in use")

    spec = make()
    row = run(Spec(name=spec.name, title="", about="", do=spec.do, clean=stuck))
    assert not row.passed
    assert not row.cleaned_up


def test_one_of_a_kind_runs_at_a_time_and_a_killed_one_blocks_for_a_minute_only(make: Callable[..., Spec]) -> None:
    spec = make()
    lost = DrillResult.objects.create(name=spec.name, scope="drill-try-out-1", actor="x", started_at=NOW)
    with pytest.raises(drills.BusyError):
        run(spec, now=NOW + timedelta(seconds=30))
    assert run(spec, now=NOW + timedelta(seconds=61)).passed
    lost.refresh_from_db()
    assert lost.finished_at
    assert "interrupted" in lost.summary


def test_a_drill_runs_so_often_in_a_minute_and_no_more(make: Callable[..., Spec]) -> None:
    spec = make()
    for second in range(PER_MINUTE):
        run(spec, now=NOW + timedelta(seconds=second))
    with pytest.raises(drills.TooOftenError) as refusal:
        run(spec, now=NOW + timedelta(seconds=10))
    assert refusal.value.retry_after_s == 50
    assert run(spec, now=NOW + timedelta(seconds=61)).passed


def test_a_drill_ends_when_its_time_is_over(make: Callable[..., Spec]) -> None:
    clock = iter(range(100))
    drill = Drill(scope="drill-x-1", limit_s=5, clock=lambda: float(next(clock)), sleep=lambda seconds: None)
    with pytest.raises(FailedError, match="it never came"):
        drill.wait(lambda: False, at_most_s=60, otherwise="it never came")
    with pytest.raises(FailedError, match="no time left"), drill.step("more"):
        pass


def test_leftovers_of_drills_that_nobody_runs_are_swept(make: Callable[..., Spec], places: Places) -> None:
    make()
    busy = make(name="busy-one")
    DrillResult.objects.create(name=busy.name, scope="drill-busy-one-1", actor="x", started_at=NOW)
    sweep(now=NOW)
    assert places.cleaned == ["drill-try-out-"]


def test_the_api_runs_drills_for_admins_and_says_when_it_is_too_often() -> None:
    path = "/api/memory/feature-flags-test"
    assert Client().post(path).status_code == 401
    assert Client().post(path, headers={"Authorization": f"Bearer {make_key(scope=Scope.WRITE)}"}).status_code == 403
    admin = {"Authorization": f"Bearer {make_key(scope=Scope.ADMIN)}"}
    answer = Client().post(path, headers=admin)
    assert answer.status_code == 200
    # whether figures keep their targets is a matter of the machine
    assert all(step["passed"] for step in answer.json()["steps"]), answer.json()
    assert answer.json().keys() == {
        "drill", "passed", "summary", "steps", "figures", "took_ms", "cleaned_up", "scope",
    }  # fmt: skip
    assert Client().get(path, headers=admin).status_code == 405
    DrillResult.objects.create(
        name="feature-flags-test", scope="x", actor="x", started_at=DrillResult.objects.get().started_at
    )
    assert Client().post(path, headers=admin).status_code == 409
    DrillResult.objects.filter(finished_at=None).delete()
    row = DrillResult.objects.get()
    for _ in range(PER_MINUTE):
        DrillResult.objects.create(
            name=row.name, scope="x", actor="x", started_at=row.started_at, finished_at=row.finished_at
        )
    limited = Client().post(path, headers=admin)
    assert limited.status_code == 429
    assert 0 < int(limited["Retry-After"]) <= 60


def test_all_eleven_drills_have_their_paths() -> None:
    document = Client().get("/api/memory/openapi.json").json()
    methods = {path.removeprefix("/api/memory/"): list(item) for path, item in document["paths"].items()}
    assert len(methods) == 11
    assert sum(method == ["post"] for method in methods.values()) == 8
    assert {spec.name for spec in drill_registry.registered()} == methods.keys()
    for spec in drill_registry.registered():
        assert methods[spec.name] == [spec.method.lower()]
