"""The door of Prometheus: /metrics, for whoever has the token, or is near where there is none."""

from __future__ import annotations

import hmac
import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from monitoring import export

FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything that is measured, of all processes; in text, OpenMetrics or protobuf, as `Accept` says."""
    if settings.HOLDFAST_METRICS_TOKEN:
        if not _has_token(request):
            challenge = {"WWW-Authenticate": 'Bearer realm="metrics"'}
            return _refused(401, "Send `Authorization: Bearer TOKEN` with HOLDFAST_METRICS_TOKEN.", challenge)
    elif not _is_near(request):
        hint = "Set HOLDFAST_METRICS_TOKEN and send it: without one only direct calls from this network are answered."
        return _refused(403, hint)
    format = export.chosen(request.headers.get("Accept", ""))
    answer = HttpResponse(export.scrape(format, now=timezone.now()), content_type=format.content_type)
    answer["Vary"] = "Accept"
    answer["Cache-Control"] = "no-store"
    return answer


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.HOLDFAST_METRICS_TOKEN.encode()
    return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), wanted)


def _is_near(request: HttpRequest) -> bool:
    """Whether the peer itself is at a loopback or private address. What came through a proxy is from anywhere."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        peer = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return (getattr(peer, "ipv4_mapped", None) or peer).is_private


def _refused(status: int, text: str, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8", headers=headers)
