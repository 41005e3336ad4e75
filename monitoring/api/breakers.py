"""The API's group of breakers: their states, and an operator's orders, which need a key with scope admin."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from pydantic import ConfigDict, Field

from monitoring import breakers
from monitoring.breakers import View

router = Router(tags=["breakers"])
ORDERS = {"force": breakers.force_open, "disable": breakers.disable, "shadow": breakers.metrics_only}


class OverrideOut(Schema):
    mode: str
    actor: str
    reason: str
    until: datetime


class BreakerOut(Schema):
    """Counts are of the policy's window, over all processes. `shared` is false while only this process's are known."""

    name: str
    title: str
    state: str
    since: datetime | None
    ok: int
    failed: int
    slow: int
    rejected: int
    failure_rate: float
    retry_after_s: float
    probes_passed: int
    fallback: str
    override: OverrideOut | None
    policy: dict[str, Any]
    shared: bool


class Breakers(Schema):
    items: list[BreakerOut]
    next: None = None


class Reason(Schema):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=8, max_length=200)


class Order(Reason):
    """`hours` is how long it holds; then the breaker decides by itself again."""

    hours: Annotated[float, Field(gt=0, le=24)] = 1.0


@router.get("", response=Breakers, url_name="breakers")
def list_breakers(request: HttpRequest) -> dict[str, Any]:
    """All breakers, those that need somebody first."""
    return {"items": [_shown(view) for view in breakers.overview(timezone.now())]}


@router.post("/{path:name}/reset", response=BreakerOut, url_name="breaker_reset")
def reset_breaker(request: HttpRequest, name: str, body: Reason) -> dict[str, Any]:
    """Close it now, and forget the failures that it has counted."""
    actor = _operator(request)
    breakers.reset(_found(name).name, actor=actor, reason=body.reason, now=timezone.now())
    return _shown(_found(name))


@router.post("/{path:name}/end", response=BreakerOut, url_name="breaker_end")
def end_override(request: HttpRequest, name: str, body: Reason) -> dict[str, Any]:
    """End an override: the breaker decides by itself again."""
    actor = _operator(request)
    breakers.end_override(_found(name).name, actor=actor, reason=body.reason, now=timezone.now())
    return _shown(_found(name))


@router.post("/{path:name}/{order}", response=BreakerOut, url_name="breaker_order")
def override_breaker(
    request: HttpRequest, name: str, order: Literal["force", "disable", "shadow"], body: Order
) -> dict[str, Any]:
    """Override it for some hours: `force` refuses every call, `disable` lets all through, `shadow` only measures."""
    actor, now = _operator(request), timezone.now()
    until = now + timedelta(hours=body.hours)
    ORDERS[order](_found(name).name, actor=actor, reason=body.reason, until=until, now=now)
    return _shown(_found(name))


# last, since names of a family's members have slashes, and the operations above end like them
@router.get("/{path:name}", response=BreakerOut, url_name="breaker")
def get_breaker(request: HttpRequest, name: str) -> dict[str, Any]:
    """One breaker by its name, such as `provider.chat`."""
    return _shown(_found(name))


def _operator(request: HttpRequest) -> str:
    """Who orders. The key's scope is asked of whoever authenticated it: keys are not ours."""
    caller: Any = request.auth  # type: ignore[attr-defined]
    caller.require("admin")
    return str(caller.key)


def _found(name: str) -> View:
    found = next((view for view in breakers.overview(timezone.now()) if view.name == name), None)
    if found is None:
        raise Http404
    return found


def _shown(view: View) -> dict[str, Any]:
    names = ("name", "title", "since", "ok", "failed", "slow", "rejected", "failure_rate", "retry_after_s", "shared")
    shown = {name: getattr(view, name) for name in (*names, "probes_passed", "override")}
    return shown | {"state": view.state.value, "fallback": view.fallback_text, "policy": view.policy.as_dict()}
