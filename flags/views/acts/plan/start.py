"""The form that starts a rollout plan: a template or stages of one's own, at once or when its time comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from flags import plan
from flags.errors import ConflictError, InvalidError
from flags.models import Flag, RolloutPlan, Stage
from flags.views.acts import doors, sheet
from flags.views.acts.share import radius
from monitoring.console import pages
from monitoring.console.field import Field
from monitoring.formats import age, at, zone

TEMPLATE: Final = "flags/acts/plan.html"
OWN: Final = "own"
ROWS: Final = 6  # to begin with
MORE: Final = 4
TEXTS: Final = ("template", "starts_at", "back", "reason")
BACK: Final = "back_to_certified"


@dataclass(frozen=True, slots=True)
class Raw:
    """The form as it is filled in: `stages` are pairs of share and minutes."""

    text: Mapping[str, str]
    stages: tuple[tuple[str, str], ...]


@doors.door("GET", "POST")
def rollout_plan(request: HttpRequest, name: str) -> HttpResponse:
    """Asks for stages and a reason, then starts; what forbids a start is told beside what was typed."""
    flag = doors.found(name)
    who = doors.admit(request, flag)
    if doors.is_dialog(request):
        return doors.as_page(request)
    now = timezone.now()
    if request.method != "POST":
        return _shown(request, flag, _begin(request), now)
    given = _sent(request)
    if "more" in request.POST:
        return _shown(request, flag, given, now, more=MORE)
    if not sheet.fits(given.text["reason"]):
        return _shown(request, flag, given, now, faults={"reason": sheet.wanted(given.text["reason"])})
    try:
        started = plan.start(name, **_wanted(given), by=who, reason=given.text["reason"], now=now)
    except InvalidError as error:
        return _shown(request, flag, given, now, faults=dict(error.faults))
    except ConflictError as error:
        return _shown(request, flag, given, now, problem=str(error))
    return pages.done(request, doors.home(name), _said(started))


def _begin(request: HttpRequest) -> Raw:
    template = request.GET.get("template", next(iter(plan.TEMPLATES)))[:40]
    return Raw(dict.fromkeys(TEXTS, "") | {"template": template}, ())


def _sent(request: HttpRequest) -> Raw:
    text = {name: request.POST.get(name, "")[:600].strip() for name in TEXTS}
    shares, dwells = (request.POST.getlist(name)[: Stage.LIMIT + 1] for name in ("percent", "dwell"))
    pairs = [(share.strip()[:40], dwell.strip()[:40]) for share, dwell in zip(shares, dwells, strict=False)]
    return Raw(text, tuple(pair for pair in pairs if any(pair)))


def _wanted(given: Raw) -> dict[str, Any]:
    """What the form says, as the verb takes it; it says itself what is wrong with a stage."""
    starts = given.text["starts_at"]
    own = given.text["template"] == OWN
    return {
        "stages": [(share.removesuffix("%").strip(), _minutes(dwell)) for share, dwell in given.stages]
        if own
        else None,
        "template": "" if own else given.text["template"],
        "starts_at": _moment(starts) if starts else None,
        "policy": {BACK: True} if given.text["back"] else None,
    }


def _minutes(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _moment(text: str) -> datetime:
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidError(("starts_at", f"{text[:20]!r} is no moment, such as 2026-11-21T14:00")) from None
    return said if said.tzinfo else timezone.make_aware(said)


def _said(started: RolloutPlan) -> str:
    name = started.flag.name
    if started.state == RolloutPlan.State.SCHEDULED:
        return f"The rollout of {name} begins at {at(started.starts_at, '%-d %b %H:%M')}."
    return f"The rollout of {name} runs, at {doors.percent(started.flag.share)}."


def _shown(
    request: HttpRequest,
    flag: Flag,
    given: Raw,
    now: datetime,
    *,
    faults: Mapping[str, str] | None = None,
    problem: str = "",
    more: int = 0,
) -> TemplateResponse:
    faults = faults or {}
    rest = sheet.rest(faults, "template", "stages", "starts_at", "reason")
    room = max(ROWS - len(given.stages), 2 if more == 0 else more)
    rows = [*given.stages, *[("", "")] * min(room, Stage.LIMIT - len(given.stages))]
    page = {
        "name": flag.name,
        "about": f"at {doors.percent(flag.share)} now",
        "home": doors.home(flag.name),
        "fields": _fields(given, faults),
        "stages": rows,
        "stages_problem": sheet.sentence(faults.get("stages", "")),
        "templates": [_template(each) for each in plan.TEMPLATES.values()],
        "reason": sheet.reason_field(given.text["reason"], faults, waits="", is_first=False),
        "warnings": radius.before_plan(flag, now),
        "problem": problem or rest,
    }
    return TemplateResponse(request, TEMPLATE, {"page": page}, status=409 if problem else 422 if faults else 200)


def _template(template: plan.Template) -> dict[str, str]:
    steps = ", ".join(doors.plain(percent) for percent, _ in template.stages)
    return {"name": template.name, "about": template.about, "steps": f"{steps} %"}


def _fields(given: Raw, faults: Mapping[str, str]) -> tuple[Field, ...]:
    def made(**field: Any) -> Field:
        name = field["name"]
        return Field(value=given.text[name], problem=sheet.sentence(faults.get(name, "")), **field)

    options = tuple(
        (name, f"{name.capitalize()}, {age(each.least_min * 60)} at least") for name, each in plan.TEMPLATES.items()
    )
    return (
        made(
            name="template",
            label="Stages",
            kind="select",
            options=(*options, (OWN, "My own, below")),
            width="half",
            hint="Stages below the share that it has are left out.",
        ),
        made(
            name="starts_at",
            label="Starts",
            kind="datetime-local",
            width="half",
            hint=f"Empty: now. Times are {zone()}.",
        ),
        made(
            name="back",
            label="When the guard rolls back",
            kind="check",
            width="wide",
            example="Go back to the last share that was proved safe",
            hint="Otherwise to 0 %.",
        ),
    )
