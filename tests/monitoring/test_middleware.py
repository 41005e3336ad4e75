from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import ResolverMatch

from monitoring.metrics import record
from monitoring.metrics.record import Delta
from monitoring.middleware import measure
from monitoring.tracing import request_id
from tests.monitoring.processes import forked


def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request_id.current())


class PathView:
    """As django-ninja's: one object for a path, with the operations of its methods."""

    def __init__(self, operations: int) -> None:
        self.operations = [SimpleNamespace()] * operations

    def answer(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


def make_match(
    func: Callable[..., HttpResponse] = view, *, url_name: str | None = "context", namespace: str = "api"
) -> ResolverMatch:
    return ResolverMatch(func, (), {}, url_name=url_name, namespaces=[namespace])


def answered(
    path: str = "/x",
    *,
    match: ResolverMatch | None = None,
    status: int = 200,
    method: str = "GET",
    id: str = "",
    traceparent: str = "",
) -> HttpResponse:
    def respond(request: HttpRequest) -> HttpResponse:
        request.resolver_match = match
        return HttpResponse(request_id.current(), status=status)

    headers = {"X-Request-ID": id, "traceparent": traceparent}
    return measure(respond)(RequestFactory(headers=headers).generic(method, path))


def recorded(work: Callable[[], object]) -> Delta:
    def child() -> Delta:
        work()
        return record.drain()

    return forked(child)


def series(delta: Delta) -> dict[str, float]:
    return {name: sketch.count for name, sketch in delta.latencies.items()} | delta.counters


def test_a_request_is_recorded_in_total_and_by_the_name_of_its_url_without_the_namespace() -> None:
    delta = recorded(lambda: answered(match=make_match(url_name="context", namespace="api-1.0.0")))
    assert series(delta) == {"requests": 1, "operation.context": 1}


@pytest.mark.parametrize(("status", "errors"), [(200, 0), (404, 0), (499, 0), (500, 1), (503, 1)])
def test_only_server_errors_are_errors(status: int, errors: int) -> None:
    delta = recorded(lambda: answered(match=make_match(), status=status))
    assert delta.counters.get("requests.errors", 0) == errors
    assert delta.counters.get("operation.context.errors", 0) == errors
    assert delta.counters.get(f"operation.context.status.{status // 100}xx", 0) == (status >= 400)
    assert delta.latencies["requests"].count == 1


def test_a_url_without_a_name_is_recorded_by_its_view() -> None:
    assert "operation.view" in series(recorded(lambda: answered(match=make_match(url_name=None))))


def test_names_are_made_safe() -> None:
    delta = recorded(lambda: answered(match=make_match(url_name="Sign In/É!")))
    assert [name for name in delta.latencies if name != "requests"] == ["operation.sign-in-"]


def test_unknown_routes_are_one_series() -> None:
    delta = recorded(lambda: [answered(f"/guess/{n}", status=404) for n in range(3)])
    assert series(delta) == {"requests": 3, "operation.unmatched": 3, "operation.unmatched.status.4xx": 3}


@pytest.mark.parametrize(("operations", "name"), [(1, "operation.jobs"), (2, "operation.jobs.post")])
def test_methods_that_share_a_url_are_told_apart(operations: int, name: str) -> None:
    match = make_match(PathView(operations).answer, url_name="jobs")
    assert name in series(recorded(lambda: answered(match=match, method="POST")))


def test_static_files_are_not_recorded() -> None:
    assert series(recorded(lambda: answered("/static/app.css"))) == {}


@pytest.mark.parametrize("given", ["abc", "A-1_b.c", "x" * 64])
def test_a_well_formed_request_id_is_echoed_and_known_inside(given: str) -> None:
    response = answered(id=given)
    assert (response["X-Request-ID"], response.content.decode()) == (given, given)


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\nb", "é", "<script>", "abc\n"])
def test_any_other_is_replaced_by_one_of_our_own(given: str) -> None:
    response = answered(id=given)
    assert re.fullmatch(r"[0-9a-f]{16}", response["X-Request-ID"])
    assert response.content.decode() == response["X-Request-ID"]


def test_two_requests_without_an_id_get_different_ones() -> None:
    assert answered()["X-Request-ID"] != answered()["X-Request-ID"]


def test_an_answer_belongs_to_the_trace_of_its_caller_in_a_span_of_its_own() -> None:
    above = f"00-{'a' * 32}-{'b' * 16}-01"
    first, again = (answered(traceparent=above)["traceparent"].split("-") for _ in range(2))
    assert [first[0], first[1], first[3]] == ["00", "a" * 32, "01"]
    assert len({first[2], again[2], "b" * 16}) == 3


def test_without_a_caller_a_trace_begins_here() -> None:
    first, again = (answered()["traceparent"] for _ in range(2))
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", first)
    assert first.split("-")[1] != again.split("-")[1]


def test_no_server_timing_is_given_away() -> None:
    assert "Server-Timing" not in answered()
