"""Writes to the audit log what Django tells of: people who sign in and out or fail to, and changes in the admin."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

import redis
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.cache import cache
from django.db.models.signals import post_save
from django.utils import timezone

from monitoring import audit

FAILURES: Final = 20  # that are written in a minute: a guesser does not fill the log
UNKNOWN: Final = "unknown name"  # a name that nobody has may be a password in the wrong field
VERBS: Final = {ADDITION: "add", CHANGE: "change", DELETION: "delete"}
OWN: Final = {"memory", "flag"}  # models whose changes are written by their own verbs

logger = logging.getLogger(__name__)


def connect() -> None:
    """Listen, once per process."""
    user_logged_in.connect(_signed_in, dispatch_uid="audit")
    user_logged_out.connect(_signed_out, dispatch_uid="audit")
    user_login_failed.connect(_failed, dispatch_uid="audit")
    post_save.connect(_changed, sender=LogEntry, dispatch_uid="audit")


def _signed_in(user: Any, **_: Any) -> None:
    audit.record(actor=user.get_username(), action="session.sign_in", subject=user.get_username(), at=timezone.now())


def _signed_out(user: Any, **_: Any) -> None:
    if user is not None:
        name = user.get_username()
        audit.record(actor=name, action="session.sign_out", subject=name, at=timezone.now())


def _failed(credentials: dict[str, Any], **_: Any) -> None:
    now = timezone.now()
    count = _counted(f"audit:failures:{int(now.timestamp() // 60)}")
    if count > FAILURES:
        return
    model = get_user_model()
    name = str(credentials.get(model.USERNAME_FIELD, ""))[:150]
    known = name if model._default_manager.filter(**{model.USERNAME_FIELD: name}).exists() else UNKNOWN
    reason = "More failures in this minute are not written." if count == FAILURES else ""
    audit.record(actor=known, action="session.refuse", subject=known, reason=reason, at=now)


def _counted(key: str) -> int:
    try:
        cache.add(key, 0, timeout=120)
        return int(cache.incr(key))
    except (redis.RedisError, ValueError) as problem:  # without Redis nobody counts, and an entry is better than none
        logger.warning("event=audit_uncounted error=%s", type(problem).__name__)
        return 1


def _changed(instance: LogEntry, created: bool, **_: Any) -> None:
    """A change in the admin: which fields, never what they hold."""
    kind = instance.content_type
    if not created or kind is None or kind.model in OWN:
        return
    said = [part for change in _told(instance) for part in change.get("fields", ())]
    audit.record(
        actor=instance.user.get_username(),
        action=f"{kind.model}.{VERBS.get(instance.action_flag, 'change')}",
        subject=f"{kind.app_label}.{kind.model} {instance.object_id}",
        after={"fields": ", ".join(map(str, said))} if said else None,
        at=instance.action_time,
    )


def _told(instance: LogEntry) -> list[dict[str, Any]]:
    """Django's own record: [{"changed": {"fields": ["Share"]}}], or a sentence."""
    if not instance.change_message.startswith("["):
        return []
    return [part.get("changed", {}) for part in json.loads(instance.change_message)]
