"""Turns what verbs and parsers refuse into problem details (RFC 9457)."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import page_not_found, server_error
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from flags import errors as of_flags
from memory import errors
from monitoring.breakers import RefusedError
from monitoring.tracing.request_id import current

PROGRAMS = ("/api/", "/ofrep/")  # what asks there reads JSON
STATUS = {
    errors.NotFoundError: 404,
    errors.GoneError: 410,
    errors.ConflictError: 409,
    errors.ForbiddenError: 403,
    errors.UnauthorisedError: 401,
    of_flags.UnknownFlagError: 404,
    of_flags.NotAllowedError: 403,
    of_flags.ConflictError: 409,
}


def register(api: NinjaAPI, *, body_limit: int) -> None:
    """Give `api` one answer for every kind of error."""
    answer = partial(problem_details, api)

    @api.exception_handler(of_flags.FlagError)
    @api.exception_handler(errors.HoldfastError)
    def refused(request: HttpRequest, error: errors.HoldfastError | of_flags.FlagError) -> HttpResponse:
        status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
        return answer(request, status, str(error))

    @api.exception_handler(of_flags.StaleError)
    def stale(request: HttpRequest, error: of_flags.StaleError) -> HttpResponse:
        return answer(request, 409, str(error), **_difference(error))

    @api.exception_handler(RefusedError)
    @api.exception_handler(of_flags.InvalidError)
    @api.exception_handler(errors.InvalidError)
    def unusable(
        request: HttpRequest, error: errors.InvalidError | of_flags.InvalidError | RefusedError
    ) -> HttpResponse:
        faults = [{"field": field, "message": message} for field, message in error.faults]
        return answer(request, 422, str(error), errors=faults[:50])

    @api.exception_handler(errors.OverloadedError)
    def overloaded(request: HttpRequest, error: errors.OverloadedError) -> HttpResponse:
        response = answer(request, 503, str(error))
        response["Retry-After"] = str(error.retry_after_s)
        return response

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        faults = [_fault(fault) for fault in error.errors]
        detail = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults[:5])
        return answer(request, 422, detail, errors=faults[:50])

    @api.exception_handler(RequestDataTooBig)
    def too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
        return answer(request, 413, f"The body is over {body_limit:,} bytes. Send it in several requests.")

    @api.exception_handler(HttpError)
    def http(request: HttpRequest, error: HttpError) -> HttpResponse:
        return answer(request, error.status_code, error.message)

    @api.exception_handler(Http404)
    def missing(request: HttpRequest, error: Http404) -> HttpResponse:
        return answer(request, 404, "No such resource.")


def problem_details(api: NinjaAPI, request: HttpRequest, status: int, detail: str, **more: Any) -> HttpResponse:
    """The answer to what went wrong, as `api` writes it (RFC 9457)."""
    # both spellings: third-party clients read either `detail` or `error`
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "error": detail,
        "request_id": current(),
        **more,
    }
    response = api.create_response(request, problem, status=status)
    response["Content-Type"] = "application/problem+json"
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 404: in the API's words where programs ask, the console's page elsewhere."""
    if not request.path.startswith(PROGRAMS):
        return page_not_found(request, exception)
    detail = f"There is no operation at {request.path}. See /api/v1/docs."
    return _plain(404, detail)


def failed(request: HttpRequest) -> HttpResponse:
    """Django's 500, likewise: what went wrong is in the log, under the request's id."""
    if not request.path.startswith(PROGRAMS):
        return server_error(request)
    detail = f"Something went wrong on our side. The log has it under the request id {current()}."
    return _plain(500, detail)


def _plain(status: int, detail: str) -> HttpResponse:
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    # the last is OFREP's
    return JsonResponse(
        problem | {"detail": detail, "error": detail, "request_id": current(), "errorDetails": detail},
        status=status,
        content_type="application/problem+json",
    )


def _fault(fault: dict[str, Any]) -> dict[str, str]:
    """A pydantic error as the field's path in the request, without its place in our signatures, and a sentence."""
    place = [str(step) for step in fault["loc"]][1:]  # the first says where in the request it stands
    return {"field": ".".join(place[1:] if place[:1] in (["body"],) else place) or "body", "message": fault["msg"]}


def _difference(error: of_flags.StaleError) -> dict[str, Any]:
    """What somebody changed meanwhile: each field as the caller saw it, and as it is."""
    diff = {field: {"yours": yours, "theirs": theirs} for field, (yours, theirs) in error.diff.items()}
    return {"version": error.current, "diff": diff, "actor": error.actor, "at": error.at}
