"""The nouns of memory. Every row belongs to a workspace; `access.py` scopes every query."""

from __future__ import annotations

from memory.models.conversation import Conversation, Message, Role
from memory.models.decision import DecidedBy, Decision, Erasure, Outcome
from memory.models.found import IndexedMessage, Served, Tally
from memory.models.job import OPEN, WAITING, WAITS, Job, JobOutput, JobState, Priority
from memory.models.memory import Cause, Kind, Memory, MemoryQuerySet, Revision, State
from memory.models.row import DIMENSIONS, ID_LENGTH
from memory.models.tenant import ApiKey, Scope, Workspace
from memory.models.tuning import Tuning

__all__ = [
    "DIMENSIONS",
    "ID_LENGTH",
    "OPEN",
    "WAITING",
    "WAITS",
    "ApiKey",
    "Cause",
    "Conversation",
    "DecidedBy",
    "Decision",
    "Erasure",
    "IndexedMessage",
    "Job",
    "JobOutput",
    "JobState",
    "Kind",
    "Memory",
    "MemoryQuerySet",
    "Message",
    "Outcome",
    "Priority",
    "Revision",
    "Role",
    "Scope",
    "Served",
    "State",
    "Tally",
    "Tuning",
    "Workspace",
]
