"""The eleven drills at the paths that operators know them by: /api/memory/…, with the API's keys and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI, Schema

from holdfast import problems
from holdfast.api import OrjsonParser, OrjsonRenderer
from memory.api.auth import KeyAuth, caller
from memory.errors import ConflictError, NotFoundError
from memory.models import Scope
from monitoring.health import drills
from monitoring.health.drills.registry import find
from monitoring.models import DrillResult

POST: Final = (
    "background-processing-test",
    "batch-processing-test",
    "circuit-breaker-test",
    "queue-management-test",
    "feature-flags-test",
    "rollout-test",
    "monitoring-setup",
    "feature-toggle-test",
)
GET: Final = ("performance-monitoring-test", "production-readiness-test", "monitoring-dashboard-test")


class StepOut(Schema):
    name: str
    passed: bool
    took_ms: float
    detail: str


class FigureOut(Schema):
    """`at_most` false: the target is the least that it should be."""

    name: str
    value: float
    unit: str
    target: float
    at_most: bool
    passed: bool


class DrillOut(Schema):
    """`scope` names what the drill made for itself, and `cleaned_up` says whether all of that is gone."""

    drill: str
    passed: bool
    summary: str
    steps: list[StepOut]
    figures: list[FigureOut]
    took_ms: float
    cleaned_up: bool
    scope: str


api = NinjaAPI(
    title="Holdfast drills",
    version=settings.HOLDFAST_VERSION,
    description="Each does the real thing in a sandbox of its own, measures it, and cleans up after itself.",
    auth=KeyAuth(),
    parser=OrjsonParser(),
    renderer=OrjsonRenderer(),
    urls_namespace="diagnostics",
)
problems.register(api, body_limit=settings.HOLDFAST_BODY_LIMIT)


@api.exception_handler(drills.TooOftenError)
def too_often(request: HttpRequest, error: drills.TooOftenError) -> HttpResponse:
    response = problems.problem_details(api, request, 429, str(error))
    response["Retry-After"] = str(error.retry_after_s)
    return response


def _operation(name: str) -> Callable[[HttpRequest], dict[str, Any]]:
    def operation(request: HttpRequest) -> dict[str, Any]:
        who = caller(request, Scope.ADMIN)
        spec = find(name)
        if spec is None:
            raise NotFoundError(f"No drill {name} is registered here.")
        try:
            return _shown(drills.run(spec, actor=who.key, reason="asked for through the API", now=timezone.now()))
        except drills.BusyError as problem:
            raise ConflictError(str(problem)) from None

    return operation


def _shown(row: DrillResult) -> dict[str, Any]:
    names = ("passed", "summary", "steps", "figures", "took_ms", "cleaned_up", "scope")
    return {"drill": row.name} | {name: getattr(row, name) for name in names}


def _mount(method: str, name: str) -> None:
    spec = find(name)
    api.api_operation(
        [method],
        f"/{name}",
        response=DrillOut,
        url_name=f"drill_{name.replace('-', '_')}",
        operation_id=f"drill_{name.replace('-', '_')}",
        summary=spec.title if spec else name,
        description=f"{spec.about if spec else ''} Needs a key with scope admin; one of a kind at a time.",
        tags=["drills"],
    )(_operation(name))


for _name in POST:
    _mount("POST", _name)
for _name in GET:
    _mount("GET", _name)
