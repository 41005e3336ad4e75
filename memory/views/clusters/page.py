"""The page of possible duplicates, and what can be done about a cluster."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from memory import tuning
from memory.errors import InvalidError
from memory.models import ID_LENGTH, Tally, Workspace
from memory.views.clusters import walk
from memory.views.clusters.shown import Shown, shown
from memory.views.clusters.walk import Walked
from memory.views.memories.detail.detail import MAY_CHANGE
from memory.views.memories.listing.find import home_of
from monitoring.formats import number

TEMPLATE: Final = "memory/clusters/page.html"
MAY_READ: Final = "memory.view_memory"
WORKSPACES: Final = 100
REFUSED: Final = "Needs the permission to change memories"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address says. Without a user the workspace's users come one after the other."""

    user: str
    workspace: str
    cursor: str
    after: str

    @classmethod
    def of(cls, request: HttpRequest) -> Asked:
        names = ("user", "workspace", "cursor", "after")
        said = (request.GET.get(name, "").replace("\0", "").strip()[: ID_LENGTH + 60] for name in names)
        return cls(*said)


@dataclass(frozen=True, slots=True)
class Group:
    """The clusters of a user."""

    user_id: str
    clusters: list[Shown]
    more: str
    href: str


@dataclass(frozen=True, slots=True)
class Large:
    """A user with so many memories that they are not compared here."""

    user_id: str
    active: str
    href: str


@dataclass(frozen=True, slots=True)
class Page:
    """`workspace` is the one that is looked in, None where there is none yet."""

    asked: Asked
    workspace: Workspace | None
    workspaces: list[tuple[str, str, bool]]
    groups: list[Group]
    large: list[Large]
    looked: str
    active: str  # memories of the one user, in words
    next: str
    first: str
    here: str
    refused: str

    @property
    def about(self) -> str:
        count = sum(len(group.clusters) for group in self.groups)
        if not count:
            return ""
        return f"{number(count)} cluster{'' if count == 1 else 's'} on this page"


@require_safe
@login_required
@permission_required(MAY_READ, raise_exception=True)
def clusters(request: HttpRequest) -> TemplateResponse:
    """Clusters of one user or of a workspace's users, those with most memories first."""
    return TemplateResponse(request, TEMPLATE, {"page": compose(request, now=timezone.now())})


def compose(request: HttpRequest, *, now: datetime) -> Page:
    asked = Asked.of(request)
    spaces = list(Workspace.objects.order_by("name")[:WORKSPACES])
    home = _home(asked, spaces)
    walked = _walked(home.pk, asked) if home else Walked()
    name = asked.workspace and home.name if home else ""
    return Page(
        asked=asked,
        workspace=home,
        workspaces=[(one.name, url(workspace=one.name, user=asked.user), one == home) for one in spaces],
        groups=_groups(home, walked, name, now) if home else [],
        large=[Large(user_id, number(active), url(workspace=name, user=user_id)) for user_id, active in walked.large],
        looked=f"{number(walked.looked)} user{'' if walked.looked == 1 else 's'}" if walked.looked else "",
        active=number(_count(home.pk, asked.user)) if home and asked.user else "",
        next=url(workspace=name, after=walked.after) if walked.after else "",
        first=url(workspace=name, user=asked.user) if asked.cursor or asked.after else "",
        here=request.get_full_path(),
        refused="" if request.user.has_perm(MAY_CHANGE) else REFUSED,
    )


def url(**kept: str) -> str:
    """The page's address with what is not empty."""
    query = urlencode({name: value for name, value in kept.items() if value})
    return reverse("memories-clusters") + (f"?{query}" if query else "")


def _home(asked: Asked, spaces: Sequence[Workspace]) -> Workspace | None:
    named = [space for space in spaces if space.name == asked.workspace]
    if asked.workspace or not spaces:
        return named[0] if named else None
    return (home_of(asked.user, spaces) if asked.user else None) or spaces[0]


def _walked(workspace_id: uuid.UUID, asked: Asked) -> Walked:
    if not asked.user:
        return walk.of_workspace(workspace_id, after=asked.after)
    try:
        group = walk.of_user(workspace_id, asked.user, cursor=asked.cursor)
    except InvalidError:  # an address that somebody changed by hand
        group = walk.of_user(workspace_id, asked.user, cursor="")
    if group is None:
        return Walked(large=[(asked.user, _count(workspace_id, asked.user))])
    return Walked(groups=[group] if group.clusters or group.more else [])


def _count(workspace_id: uuid.UUID, user_id: str) -> int:
    counts = Tally.objects.filter(workspace_id=workspace_id, user_id=user_id).values_list("active", flat=True)
    return counts.first() or 0


def _groups(home: Workspace, walked: Walked, workspace: str, now: datetime) -> list[Group]:
    same = tuning.current(home.pk).dedupe.same
    told = iter(shown([one for group in walked.groups for one in group.clusters], same=same, now=now))
    return [
        Group(
            user_id=group.user_id,
            clusters=[next(told) for _ in group.clusters],
            more=url(workspace=workspace, user=group.user_id, cursor=group.more) if group.more else "",
            href=url(workspace=workspace, user=group.user_id),
        )
        for group in walked.groups
    ]
