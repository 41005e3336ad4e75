"""Settings: how facts are compared, memories ranked, windows folded and contexts filled, per workspace."""

from __future__ import annotations

import time
import uuid
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from memory import tuning
from memory.api.auth import caller
from memory.api.pages import Cursor, Limit, newest_first
from memory.api.schemas import Page
from memory.api.schemas.tuning import PreviewIn, PreviewOut, RevertIn, SettingsIn, SettingsOut, VersionOut
from memory.models import Scope, Tuning
from memory.providers import configured
from memory.tuning import described, stored
from memory.work import preview

router = Router(tags=["settings"])


@router.get("", response=SettingsOut, url_name="settings")
def get_settings(request: HttpRequest) -> dict[str, Any]:
    """The settings of the workspace: what holds, what differs from the defaults, and the bounds of each value."""
    return _answer(caller(request).workspace_id)


@router.put("", response=SettingsOut, url_name="settings")
def change_settings(request: HttpRequest, body: SettingsIn) -> dict[str, Any]:
    """Replace the settings: what `terms` leaves out is as by default. Each change is a version that can come back.

    All processes follow within two seconds. With `expect`, a change that somebody else made meanwhile is 409.
    """
    who = caller(request, Scope.ADMIN)
    now = timezone.now()
    tuning.change(workspace_id=who.workspace_id, actor=who.key, now=now, **body.dict())
    return _answer(who.workspace_id)


@router.get("/history", response=Page[VersionOut], url_name="settings_history")
def settings_history(request: HttpRequest, limit: Limit, cursor: Cursor) -> dict[str, Any]:
    """Every version of the settings, newest first, with who made it and why."""
    rows = Tuning.objects.filter(workspace_id=caller(request).workspace_id)
    return newest_first(rows, cursor=cursor, limit=limit)


@router.post("/revert", response=SettingsOut, url_name="revert_settings")
def revert_settings(request: HttpRequest, body: RevertIn) -> dict[str, Any]:
    """Let the settings of an earlier version hold again, as a new version."""
    who = caller(request, Scope.ADMIN)
    tuning.revert(workspace_id=who.workspace_id, actor=who.key, now=timezone.now(), **body.dict())
    return _answer(who.workspace_id)


@router.post("/preview", response=PreviewOut, url_name="preview_settings")
def preview_settings(request: HttpRequest, body: PreviewIn) -> dict[str, Any]:
    """What other settings would make of the newest decisions, and of questions; nothing is changed."""
    workspace_id = caller(request, Scope.ADMIN).workspace_id
    was, wanted = tuning.current(workspace_id), stored.parse(body.terms)
    if body.queries is None:
        asked = preview.asked_most(workspace_id, now=time.time())
    else:
        asked = [preview.Asked(each.user_id, each.query) for each in body.queries]
    providers, now = configured.standby(), timezone.now()
    return {
        "decisions": preview.decisions(workspace_id, was=was, wanted=wanted, most=body.decisions),
        "queries": preview.queries(workspace_id, asked, was=was, wanted=wanted, providers=providers, now=now),
    }


def _answer(workspace_id: uuid.UUID) -> dict[str, Any]:
    newest = tuning.newest(workspace_id)
    terms = stored.read(newest.terms if newest else {})
    return {
        "version": newest.number if newest else 0,
        "terms": terms.model_dump(mode="json"),
        "changed": stored.differing(terms),
        "settings": described.settings(terms),
    }
