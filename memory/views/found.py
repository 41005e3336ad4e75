"""What memory tells the console's palette: users, memories and jobs. Texts that were forgotten are never found."""

from __future__ import annotations

import re
import uuid
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.contrib.postgres.search import SearchQuery
from django.db.models import Model, QuerySet
from django.urls import reverse

from memory.models import Conversation, Job, Memory, State, Workspace
from monitoring.console import palette
from monitoring.console.palette import Hit

PREFIX: Final = re.compile(r"[0-9a-f]{6,32}")  # of an id, without its hyphens
WORD: Final = re.compile(r"\w{3,}")
WORKSPACES: Final = 10  # that a user is looked for in, the latest first
SHOWN: Final = 90  # characters of a memory
Row = TypeVar("Row", bound=Model)


def register_all() -> None:
    palette.register("Users", users)
    palette.register("Memories", memories)
    palette.register("Jobs", jobs)


def users(text: str, user: User, limit: int) -> list[Hit]:
    """Users whose id starts so, by the index of conversations in each workspace."""
    if len(text) < 2 or not user.has_perm("memory.view_memory"):
        return []
    hits: list[Hit] = []
    path = reverse("memories")
    for workspace in Workspace.objects.order_by("-pk")[:WORKSPACES]:
        rows = Conversation.objects.filter(workspace=workspace, user_id__startswith=text)
        for found in rows.order_by("user_id").values_list("user_id", flat=True).distinct()[: limit - len(hits)]:
            where = urlencode({"user": found, "workspace": workspace.name})
            hits.append(Hit(found, f"{path}?{where}", "user", workspace.name))
    return hits


def memories(text: str, user: User, limit: int) -> list[Hit]:
    """Memories by the start of their id, or by all words of three letters or more."""
    if not user.has_perm("memory.view_memory"):
        return []
    rows = Memory.objects.exclude(state=State.FORGOTTEN)
    found: QuerySet[Memory]
    if prefix := _prefix(text):
        found = _of_prefix(rows, prefix)
    elif words := WORD.findall(text):
        found = rows.filter(search=SearchQuery(" ".join(words), config="english"))
    else:
        return []
    shown = found.values_list("pk", "text", "user_id", "state")[:limit]
    return [
        Hit(said[:SHOWN], reverse("memory", args=[pk]), "memory", f"{owner}, {state}")
        for pk, said, owner, state in shown
    ]


def jobs(text: str, user: User, limit: int) -> list[Hit]:
    """Jobs by the start of their id."""
    prefix = _prefix(text)
    if not prefix or not user.has_perm("memory.view_job"):
        return []
    rows = _of_prefix(Job.objects.all(), prefix).values_list("pk", "kind", "state")[:limit]
    return [Hit(str(pk), reverse("job", args=[pk]), "queue", f"{kind}, {state}") for pk, kind, state in rows]


def _prefix(text: str) -> str:
    """The start of an id, "" where the text is none."""
    plain = text.lower().replace("-", "")
    return plain if PREFIX.fullmatch(plain) else ""


def _of_prefix(rows: QuerySet[Row], prefix: str) -> QuerySet[Row]:
    """By the primary key's own order: all ids between the least and the greatest that start so."""
    least, most = (uuid.UUID(prefix.ljust(32, fill)) for fill in "0f")
    between: dict[str, Any] = {"pk__gte": least, "pk__lte": most}
    return rows.filter(**between).order_by("pk")
