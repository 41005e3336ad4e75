"""The two operations of OFREP 0.3.0: one flag, and all of them with an ETag."""

from __future__ import annotations

import time
from typing import Any, Final

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router

from flags import answers, rollout, snapshot
from flags.api.ofrep import schemas
from flags.api.ofrep.context import Context, etag, read
from flags.api.ofrep.limit import Limit
from flags.rollout import Why
from monitoring import metrics

EVALUATED: Final = "flags.ofrep"  # counted: flags evaluated over HTTP
limit = Limit()
router = Router(tags=["ofrep"])


@router.post(
    "/evaluate/flags/{key}",
    response={200: schemas.Success, (400, 404, 413): schemas.Failure, (401, 403, 429): schemas.Problem},
    url_name="flag",
    operation_id="ofrep_evaluate_flag",
    openapi_extra=schemas.BODY,
)
def evaluate_flag(request: HttpRequest, key: str) -> HttpResponse:
    """One flag for one context. `value` is true or false, `variant` on or off."""
    workspace = _admitted(request)
    context = read(request)
    found = evaluate(key, context, workspace, now=time.time())
    metrics.count(EVALUATED)
    status = {None: 200, "FLAG_NOT_FOUND": 404}.get(found.get("errorCode"), 400)
    return _answer(found, status)


@router.post(
    "/evaluate/flags",
    response={200: schemas.Bulk, 304: None, (400, 413): schemas.Failure, (401, 403, 429): schemas.Problem},
    url_name="flags",
    operation_id="ofrep_evaluate_flags",
    openapi_extra=schemas.BODY,
)
def evaluate_flags(request: HttpRequest) -> HttpResponse:
    """All flags for one context; 304 without evaluating any where `If-None-Match` holds the ETag that still is."""
    workspace = _admitted(request)
    context = read(request)
    now, known = time.time(), snapshot.current()
    tag = etag(known, context, workspace, now=now)
    if _matches(request.headers.get("If-None-Match", ""), tag):
        response = HttpResponse(status=304)
    else:
        found = [evaluate(name, context, workspace, now=now) for name in sorted(known.flags)]
        metrics.count(EVALUATED, len(found))
        response = _answer({"flags": found, "metadata": {"version": known.version, "flagSetId": answers.SET_ID}})
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    return response


def evaluate(name: str, context: Context, workspace: str, *, now: float) -> dict[str, Any]:
    """One flag's success or failure, as OFREP writes it.

    The workspace is that of the key, whatever the context says. Nothing is noted as an exposure: how the caller's
    request goes on is not known here, and a cohort of units without outcomes could not be compared.
    """
    decision = rollout.decide(
        name,
        context.unit,
        workspace=workspace,
        conversation=context.conversation,
        attributes=context.attributes,
        now=now,
    )
    if decision.why is Why.UNKNOWN:
        return {"key": name, "errorCode": "FLAG_NOT_FOUND", "errorDetails": answers.not_found(name)}
    if decision.why is Why.NO_UNIT:
        return {"key": name, "errorCode": "TARGETING_KEY_MISSING", "errorDetails": answers.missing(name)}
    return {
        "key": name,
        "value": decision.is_on,
        "variant": answers.variant(decision),
        "reason": answers.reason(decision),
        "metadata": answers.metadata(decision),
    }


def _admitted(request: HttpRequest) -> str:
    """The workspace of the key. Raises what its door raises for a scope, or TooOftenError."""
    caller: Any = request.auth  # type: ignore[attr-defined]
    caller.require("read")
    limit.take(str(caller.key_id), per_s=settings.HOLDFAST_OFREP_RATE, now=time.monotonic())
    return str(caller.workspace_id)


def _matches(header: str, tag: str) -> bool:
    """Whether the client has what is tagged so: by the weak comparison, which If-None-Match asks for."""
    tags = (each.strip().removeprefix("W/") for each in header.split(","))
    return any(each in ("*", tag) for each in tags)


def _answer(content: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(content), status=status, content_type="application/json")
