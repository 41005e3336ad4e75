"""OFREP at /ofrep/v1/: with the API's keys, and OFREP's own shape for whatever is refused."""

from __future__ import annotations

import math
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI

from flags.api import ofrep
from holdfast.api import OrjsonRenderer
from memory import errors
from memory.access import authenticate
from memory.api.auth import KeyAuth


class OfrepAuth(KeyAuth):
    """The API's keys, as bearer or as `X-API-Key`, which OFREP's clients may send instead."""

    def __call__(self, request: HttpRequest) -> Any:
        key = request.headers.get("X-API-Key", "").strip()
        return authenticate(key, now=timezone.now()) if key else super().__call__(request)


api = NinjaAPI(
    title="Holdfast flags over OFREP",
    version=settings.HOLDFAST_VERSION,
    description="OpenFeature Remote Evaluation Protocol 0.3.0: one flag, or all of them with an ETag.",
    auth=OfrepAuth(),
    renderer=OrjsonRenderer(),
    urls_namespace="ofrep",
)
api.add_router("", ofrep.router)


@api.exception_handler(ofrep.ContextError)
def unusable(request: HttpRequest, error: ofrep.ContextError) -> HttpResponse:
    return _refused(request, error.status, str(error), errorCode=error.code)


@api.exception_handler(RequestDataTooBig)
def too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return _refused(request, 413, "The body is too big: send only what rules ask for.", errorCode="INVALID_CONTEXT")


@api.exception_handler(ofrep.TooOftenError)
def too_often(request: HttpRequest, error: ofrep.TooOftenError) -> HttpResponse:
    response = _refused(request, 429, str(error))
    response["Retry-After"] = str(math.ceil(error.retry_after_s))
    return response


@api.exception_handler(errors.UnauthorisedError)
def unauthorised(request: HttpRequest, error: errors.UnauthorisedError) -> HttpResponse:
    response = _refused(request, 401, str(error))
    response["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(errors.ForbiddenError)
def forbidden(request: HttpRequest, error: errors.ForbiddenError) -> HttpResponse:
    return _refused(request, 403, str(error))


def _refused(request: HttpRequest, status: int, details: str, **more: str) -> HttpResponse:
    """Clients read `key` where a single flag was asked for."""
    match = request.resolver_match
    key = match.kwargs.get("key") if match else None
    content = ({"key": key} if key else {}) | more | {"errorDetails": details}
    return api.create_response(request, content, status=status)
