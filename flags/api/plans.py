"""The API's group of rollout plans: start one, see where it stands, and act on it. Acts need a key with scope admin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router, Schema, Status
from pydantic import AwareDatetime, ConfigDict, Field

from flags import plan
from flags.change import Person
from flags.models import Flag, RolloutPlan

router = Router(tags=["flags"])
Act = Literal["hold", "resume", "advance", "roll-back", "end"]
ACTS: dict[str, Callable[..., RolloutPlan]] = {
    "hold": plan.hold,
    "resume": plan.resume,
    "advance": plan.advance,
    "roll-back": plan.roll_back,
    "end": plan.end,
}


class StageIn(Schema):
    model_config = ConfigDict(extra="forbid")

    percent: Decimal  # a number, or one in quotes where it is to be exact
    dwell_min: float


class Reason(Schema):
    model_config = ConfigDict(extra="forbid")

    reason: str


class PlanIn(Reason):
    """Stages, or a template's name; `starts_at` schedules it; `policy` is what differs from the guard's own."""

    stages: Annotated[list[StageIn], Field(max_length=100)] | None = None
    template: str = Field("", max_length=40)
    starts_at: AwareDatetime | None = None
    policy: dict[str, Any] | None = None


class Jump(Reason):
    """`number` is the stage's, from 1."""

    number: int


class Step(Schema):
    percent: float
    dwell_min: float


class StageOut(Schema):
    number: int
    percent: float
    dwell_min: float
    soaked_min: float
    state: str
    is_certified: bool
    began_at: datetime | None
    ended_at: datetime | None


class MetricOut(Schema):
    """Exposed over control: a ratio of 1.1 is 10 % worse, with its always-valid band and evidence as e-values."""

    metric: str
    ratio: float | None
    low: float | None
    high: float | None
    margin: float
    floor: float
    e_harm: float
    e_safe: float
    state: str


class ArmOut(Schema):
    units: int
    requests: int


class PlanOut(Schema):
    """`stage` is the current one's number, 0 before the first. `said` is what the last look said, in words."""

    flag: str
    state: str
    stage: int
    stages: list[StageOut]
    soaked: str
    next_step: str
    causes: list[str]
    accepted: list[str]
    said: str
    metrics: list[MetricOut]
    exposed: ArmOut
    control: ArmOut
    looks: int
    looked_at: datetime | None
    actor: str
    reason: str


class TemplateOut(Schema):
    name: str
    about: str
    stages: list[Step]
    least_min: float


class Templates(Schema):
    items: list[TemplateOut]
    next: None = None


@router.get("/plan-templates", response=Templates, url_name="plan_templates")
def list_templates(request: HttpRequest) -> dict[str, Any]:
    """The stages that have a name."""
    return {"items": [_template(each) for each in plan.TEMPLATES.values()]}


@router.get("/{name}/plan", response=PlanOut, url_name="plan")
def get_plan(request: HttpRequest, name: str) -> dict[str, Any]:
    """The flag's open plan, or else its last."""
    flag = Flag.objects.filter(name=name).first()
    found = None if flag is None else plan.latest(flag.pk)
    if found is None:
        raise Http404
    return _shown(found)


@router.post("/{name}/plan", response={201: PlanOut}, url_name="plan_start")
def start_plan(request: HttpRequest, name: str, body: PlanIn) -> Status[dict[str, Any]]:
    """Start a plan, at once or at `starts_at`. A flag that is off is given to the percentage at the first stage."""
    stages = None if body.stages is None else [(stage.percent, stage.dwell_min) for stage in body.stages]
    made = plan.start(
        name,
        stages=stages,
        template=body.template,
        by=_person(request),
        reason=body.reason,
        now=timezone.now(),
        starts_at=body.starts_at,
        policy=body.policy,
    )
    return Status(201, _shown(made))


@router.post("/{name}/plan/jump", response=PlanOut, url_name="plan_jump")
def jump(request: HttpRequest, name: str, body: Jump) -> dict[str, Any]:
    """To any stage, forward or back."""
    return _shown(plan.jump(name, body.number, by=_person(request), reason=body.reason, now=timezone.now()))


@router.post("/{name}/plan/{act}", response=PlanOut, url_name="plan_act")
def act(request: HttpRequest, name: str, act: Act, body: Reason) -> dict[str, Any]:
    """`hold`, `resume` (accepts what holds it), `advance` before its time, `roll-back`, or `end` where it stands."""
    return _shown(ACTS[act](name, by=_person(request), reason=body.reason, now=timezone.now()))


def _person(request: HttpRequest) -> Person:
    """Who acts. The key's scope is asked of whoever authenticated it: keys are not ours."""
    caller: Any = request.auth  # type: ignore[attr-defined]
    caller.require("admin")
    return Person.of_key(str(caller.key), caller.scope)


def _shown(found: RolloutPlan) -> dict[str, Any]:
    view = plan.standing(found, now=timezone.now())
    names = ("soaked", "next_step", "said", "looks", "looked_at", "actor", "reason", "exposed", "control", "stages")
    shown = {name: getattr(view, name) for name in names}
    lists = {"causes": list(view.causes), "accepted": list(view.accepted), "metrics": list(view.rows)}
    return shown | lists | {"flag": found.flag.name, "state": view.state.value, "stage": view.number}


def _template(each: plan.Template) -> dict[str, Any]:
    stages = [{"percent": percent, "dwell_min": dwell_min} for percent, dwell_min in each.stages]
    return {"name": each.name, "about": each.about, "stages": stages, "least_min": each.least_min}
