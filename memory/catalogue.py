"""The flags that memory asks for, and what holds until somebody says otherwise."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Final

from flags import rollout, snapshot
from flags.catalog import Entry
from flags.models import Kind, Unit

CHATGPT_MEMORY: Final = Entry(
    "chatgpt_memory",
    "Memories are made of what a user says. Off: messages are kept and summarised, and nothing is remembered of them.",
    percent=Decimal(10),
    owner="memory",
    watches="chat.response",
)
REAL_TIME_DEDUP: Final = Entry(
    "real_time_dedup",
    "A new fact is compared with the user's nearest memories at once. Off: only the same words are found, and the job "
    "`dedupe` merges the rest later.",
    is_enabled=True,
    owner="memory",
    watches="job.process_messages",
)
ENHANCED_PROMPTS: Final = Entry(
    "enhanced_prompts",
    "The context says how to use it, and groups memories by kind, with dates. Off: the plain lists.",
    percent=Decimal(25),
    owner="memory",
    watches="chat.response",
)
BATCH_PROCESSING: Final = Entry(
    "batch_processing",
    "The messages of many users are processed together. Off: one user at a time.",
    percent=Decimal(50),
    kind=Kind.OPERATIONAL,
    owner="memory",
    watches="job.process_messages",
)
CIRCUIT_BREAKERS: Final = Entry(
    "circuit_breakers",
    "Breakers of providers and of users refuse calls while they are open. Off: they count, and refuse nothing.",
    is_enabled=True,
    unit=Unit.SERVICE,
    kind=Kind.SAFETY,
    is_locked=True,
    owner="memory",
)
ALL: Final = (CHATGPT_MEMORY, REAL_TIME_DEDUP, ENHANCED_PROMPTS, BATCH_PROCESSING, CIRCUIT_BREAKERS)

NOTHING_REMEMBERED: Final = (
    f"The flag {CHATGPT_MEMORY.name} is off for this user: no memories are made of messages and texts. "
    "What is stored is served, and `infer` false adds a memory as it is."
)


def remembers(workspace_id: uuid.UUID, user_id: str) -> bool:
    """Whether memories are made of what this user says."""
    return rollout.is_on(CHATGPT_MEMORY.name, user_id, workspace=str(workspace_id))


def compares(workspace_id: uuid.UUID, user_id: str) -> bool:
    """Whether this user's new facts are compared with the nearest stored ones at once."""
    return rollout.is_on(REAL_TIME_DEDUP.name, user_id, workspace=str(workspace_id))


def who_is_left_out() -> str:
    """For an empty list of memories: what the flag keeps from being made. Empty where it is on for everybody."""
    flag = snapshot.current().flags.get(CHATGPT_MEMORY.name)
    if flag is None or flag.everyone is False or (flag.everyone is None and not flag.percent):
        return f"The flag {CHATGPT_MEMORY.name} is off: no memories are made of messages."
    if flag.everyone or (flag.percent == 100 and flag.is_plain):
        return ""
    return (
        f"The flag {CHATGPT_MEMORY.name} is on for {flag.percent.normalize():f} % of users: no memories are made of "
        "what the others say."
    )
