"""Many users' messages in one batch have the effects of each alone, for less time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Final
from uuid import UUID

from django.utils import timezone

from memory.health import sandbox
from memory.models import Memory, Workspace
from memory.providers import configured
from memory.work import tools
from memory.work.messages.process import process
from memory.work.tools import Tools
from monitoring.health.drills import Drill, require

USERS: Final = 16  # of each half
PLACES: Final = ("Leeds", "Porto", "Graz", "Lyon", "Turku", "Bergen", "Gdansk", "Split")
DEEDS: Final = ("nurse", "baker", "pilot", "teacher")


def drill(drill: Drill) -> None:
    workspace, now = sandbox.make(drill.scope), timezone.now() + sandbox.LATER
    configured.warm()
    # what is compared is how memories are made, whoever gets any
    doing = replace(tools.from_settings(), providers=sandbox.local(), remembers=lambda *user: True)
    with drill.step(f"post two messages each of {2 * USERS} users") as step:
        jobs = {user: sandbox.say(workspace, user, _said(user), now=now)[1] for user in _users("alone", "batch")}
        step.detail = f"{4 * USERS} messages, {len(jobs)} jobs"
    with drill.step(f"process {USERS} users one by one") as step:
        alone_s = sum(_timed([jobs[user]], doing) for user in _users("alone"))
        step.detail = f"{USERS} transactions"
    with drill.step(f"process {USERS} users in one batch") as step:
        batch_s = _timed([jobs[user] for user in _users("batch")], doing)
        step.detail = "one transaction, one call of the embedder"
    with drill.step("compare the effects") as step:
        alone, batch = (_texts(workspace, half) for half in ("alone", "batch"))
        require(bool(alone), "No memory came of the messages: see the local extractor.")
        require(alone == batch, f"One by one {len(alone)} memories came of it, in a batch {len(batch)} others.")
        step.detail = f"the same {len(alone)} memories"
    messages = 2 * USERS
    drill.figure("a message alone", alone_s / messages * 1000, "ms", 100)
    drill.figure("a message in a batch", batch_s / messages * 1000, "ms", 100)
    drill.figure("faster in a batch", alone_s / batch_s, "times", 1.5, at_most=False)


def _users(*halves: str) -> list[str]:
    return [f"{half}-{number}" for half in halves for number in range(USERS)]


def _said(user: str) -> list[str]:
    number = int(user.rpartition("-")[2])
    return [f"I live in {PLACES[number % len(PLACES)]}.", f"I work as a {DEEDS[number % len(DEEDS)]}."]


def _timed(ids: Sequence[UUID], doing: Tools) -> float:
    now = timezone.now()
    token, jobs = sandbox.take(ids, now=now)
    began = perf_counter()
    errors = process(token, jobs, tools=doing, now=now)
    require(not errors, f"{len(errors)} of {len(jobs)} jobs failed: see the log.")
    return perf_counter() - began


def _texts(workspace: Workspace, half: str) -> list[tuple[str, str]]:
    """User's number and text of each memory."""
    rows = Memory.objects.filter(workspace=workspace, user_id__startswith=f"{half}-").active()
    return sorted((user.rpartition("-")[2], text) for user, text in rows.values_list("user_id", "text"))
