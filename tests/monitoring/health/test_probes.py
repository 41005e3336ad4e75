"""The probes: what they answer, in which form, and that they ask nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client

from monitoring.health import Result, Status
from monitoring.health.probes import checks, draining, verdict
from monitoring.health.probes import runner as runners
from monitoring.health.probes.registry import Check, register
from monitoring.health.probes.runner import INTERVAL_S, Runner
from tests import services

SECRET = "host=10.1.2.3 password=hunter2"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def make_check(name: str = "one", run: Any = Result.good, **fields: Any) -> Check:
    where = {"component": name, "measurement": "responseTime", "kind": "test"}
    defaults: dict[str, Any] = {"is_required": True, "timeout_s": 1.0} | where
    return Check(name=name, run=run, **defaults | fields)


def make_runner(*made: Check, clock: Clock | None = None) -> Runner:
    runner = Runner(lambda: made, clock=clock or Clock())
    runner.round()
    return runner


@contextmanager
def serving(runner: Runner) -> Iterator[Client]:
    """This process answers probes from that runner, whose thread does not run."""
    runner.start = lambda: None  # type: ignore[method-assign]
    before, runners._runner = runners._runner, runner
    try:
        yield Client()
    finally:
        runners._runner = before


def bad() -> Result:
    return Result.bad("It is broken: mend it.", 3, "things")


def test_a_process_lives_whatever_fails_around_it() -> None:
    with serving(make_runner(make_check(run=bad))) as client:
        answer = client.get("/livez")
        assert (answer.status_code, answer.content) == (200, b"ok\n")
        assert client.post("/livez").status_code == 405


def test_a_required_check_that_fails_takes_the_process_out_of_service() -> None:
    with serving(make_runner(make_check(run=bad), make_check("two"))) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.content) == (503, b"fail: one\n")
        assert client.get("/readyz?exclude=one").status_code == 200
        assert client.get("/readyz/two").status_code == 200
        assert client.get("/readyz/three").status_code == 404
        verbose = client.get("/readyz?verbose").content.decode()
        assert "[-] one fail (3 things): It is broken: mend it.\n[+] two ok (" in verbose
        head = client.head("/readyz")
        assert (head.status_code, head.content) == (503, b"")


def test_a_warning_stays_in_service() -> None:
    with serving(make_runner(make_check(run=bad, is_required=False))) as client:
        assert client.get("/readyz").content == b"warn: one\n"
        assert client.get("/readyz").status_code == 200


def test_health_json_has_the_shape_of_its_draft() -> None:
    with serving(make_runner(make_check(component="postgresql"), make_check("two", bad, is_required=False))) as client:
        answer = client.get("/readyz", headers={"Accept": "application/health+json"})
        assert answer.headers["Content-Type"] == "application/health+json"
        body = answer.json()
        assert body["status"] == "warn"
        assert {"version", "releaseId", "serviceId", "description"} <= body.keys()
        (good,) = body["checks"]["postgresql:responseTime"]
        assert (good["status"], good["observedUnit"], good["componentId"]) == ("pass", "ms", "one")
        assert good["time"].endswith("Z")
        assert "output" not in good
        (warned,) = body["checks"]["two:responseTime"]
        assert warned["output"] == "It is broken: mend it."
        assert client.get("/readyz?format=json").json()["status"] == "warn"
        assert client.get("/livez?format=json").json()["status"] == "pass"
        assert "output" not in client.get("/livez?format=json").json()


def test_before_the_first_round_nothing_is_ready_or_started() -> None:
    runner = Runner(lambda: [make_check()])
    assert verdict.ready(runner).http_status == 503
    assert verdict.started(runner).http_status == 503
    runner.round()
    assert verdict.started(runner).http_status == 200


def test_a_process_that_has_started_stays_started() -> None:
    state = {"result": Result.good()}
    runner = make_runner(make_check(run=lambda: state["result"]))
    state["result"] = Result.bad("away")
    runner.round()
    assert verdict.started(runner).status is Status.PASS
    assert verdict.ready(runner).status is Status.FAIL


def test_a_draining_process_is_alive_and_not_ready() -> None:
    runner = make_runner(make_check())
    draining.begin()
    try:
        assert verdict.ready(runner).as_text(is_verbose=False).startswith("fail: draining")
        assert verdict.live().http_status == 200
    finally:
        draining.end()
    assert verdict.ready(runner).http_status == 200


def test_verdicts_that_are_too_old_say_so() -> None:
    clock = Clock()
    runner = make_runner(make_check(), clock=clock)
    clock.now += 4 * INTERVAL_S
    assert "stuck" in verdict.ready(runner).output


def test_a_check_that_hangs_fails_in_its_time_and_is_asked_once() -> None:
    release, asked = threading.Event(), []

    def hang() -> Result:
        asked.append(1)
        release.wait(10)
        return Result.good()

    runner = make_runner(make_check(run=hang, timeout_s=0.05), make_check("two"))
    assert runner.findings["one"].output == "No answer within 0.05 s."
    assert runner.findings["two"].status is Status.PASS
    runner.round()
    assert len(asked) == 1, "it is left alone while it hangs"
    release.set()
    runner._late["one"].join()
    runner.round()
    runner.round()
    assert runner.findings["one"].status is Status.PASS


def test_what_an_error_says_is_kept_from_the_answer() -> None:
    def leak() -> Result:
        raise RuntimeError(SECRET)

    with serving(make_runner(make_check(run=leak))) as client:
        told = client.get("/readyz?verbose").content + client.get("/readyz?format=json").content
        assert b"RuntimeError" in told
        assert b"hunter2" not in told
        assert b"10.1.2.3" not in told


@pytest.mark.django_db
def test_a_probe_asks_nobody_and_needs_no_host_name(django_assert_num_queries: Any) -> None:
    with serving(make_runner(make_check())) as client, django_assert_num_queries(0):
        # a kubelet names the pod's address, which is in no list of hosts
        assert client.get("/readyz", headers={"Host": "10.9.8.7:8000"}).status_code == 200


@pytest.mark.parametrize(("name", "timeout_s"), [("Bad Name", 1.0), ("", 1.0), ("slow", 60.0), ("never", 0.0)])
def test_a_check_that_can_not_be_asked_for_by_name_or_in_time_is_refused(name: str, timeout_s: float) -> None:
    with pytest.raises(ValueError, match="a check"):
        register(name, Result.good, component="x", is_required=False, timeout_s=timeout_s)


@pytest.mark.django_db
def test_the_own_checks_see_the_real_services_and_their_absence() -> None:
    assert checks.database().status is Status.PASS
    checks.forget_applied()
    assert checks.migrations().status is Status.PASS
    assert checks.cache_server().status is Status.PASS
    assert checks.open_breakers().status is Status.PASS
    assert "aggregate" in checks.aggregator().output
    services.kill("cache")
    try:
        assert "Redis gives no answer" in checks.cache_server().output
    finally:
        services.revive("cache")
