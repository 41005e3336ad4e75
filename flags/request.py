"""Whether a flag is on for a request, as waffle asks: by evaluation, for the units that the request speaks for.

Whom waffle lets in besides (testers, staff, groups…) is let in on top of that, with waffle's own rules and order, from
the same snapshot. Nothing is rolled, no cookie is set, and a request without the unit that the flag draws is off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from waffle.utils import get_setting

from flags import rollout, snapshot
from flags.models import Flag, Unit
from flags.snapshot import People

UNITS = "flag_units"  # of the request: what it speaks for, by kind of unit
ATTRIBUTES = "flag_attributes"  # of the request: what rules may ask


def answer(flag: Flag, request: HttpRequest) -> bool:
    """For `waffle.flag_is_active`, its decorator and its tag."""
    return is_active(request, flag.name)


def is_active(request: HttpRequest, name: str) -> bool:
    """Whether flag `name` is on for the request."""
    known = snapshot.current().flags.get(name)
    if known is not None and known.people is not None and known.everyone is None:
        let_in = _is_let_in(known.people, name, request)
        if let_in is not None:
            return let_in
    told = units(request)
    draws = known.unit if known is not None else Unit.USER
    return rollout.is_on(
        name,
        told.get(Unit.SERVICE if draws == Unit.SERVICE else Unit.USER, ""),
        workspace=told.get(Unit.WORKSPACE, ""),
        conversation=told.get(Unit.CONVERSATION, ""),
        attributes=getattr(request, ATTRIBUTES, rollout.NOTHING),
    )


def units(request: HttpRequest) -> Mapping[str, str]:
    """What the request speaks for: `request.flag_units` where a view or middleware has set it, {kind: id}.

    Else the signed-in user's name, and the workspace of the API key.
    """
    told: Mapping[str, str] | None = getattr(request, UNITS, None)
    if told is not None:
        return told
    found: dict[str, str] = {}
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        found[Unit.USER] = user.get_username()
    workspace = getattr(getattr(request, "auth", None), "workspace_id", None)
    if workspace is not None:
        found[Unit.WORKSPACE] = str(workspace)
    return found


def _is_let_in(people: People, name: str, request: HttpRequest) -> bool | None:
    """What waffle's conditions say, in waffle's order; None where they leave it to the share."""
    if people.is_testing and (tested := _tested(name, request)) is not None:
        return tested
    if people.languages and getattr(request, "LANGUAGE_CODE", None) in people.languages:
        return True
    # without a user waffle says no here, and never asks for the share
    user = getattr(request, "user", None)
    return True if user is not None and _is_among(people, user) else None


def _tested(name: str, request: HttpRequest) -> bool | None:
    """What a tester asks for by query, header or cookie."""
    key: str = get_setting("TEST_COOKIE") % name
    wanted = request.GET.get(key, request.headers.get(key.replace("_", "-")))
    if wanted is None:
        return request.COOKIES[key] == "True" if key in request.COOKIES else None
    # where it is installed, waffle's middleware keeps what stands here in a cookie
    vars(request).setdefault("waffle_tests", {})[name] = wanted == "1"
    return wanted == "1"


def _is_among(people: People, user: Any) -> bool:
    if (
        (people.has_authenticated and user.is_authenticated)
        or (people.has_staff and user.is_staff)
        or (people.has_superusers and user.is_superuser)
        or (user.pk is not None and user.pk in people.users)
    ):
        return True
    return bool(people.groups) and not people.groups.isdisjoint(user.groups.values_list("pk", flat=True))
