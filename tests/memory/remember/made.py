"""Builders for acts by hand: memories side by side, decisions of the pipeline, and what a row was."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import TestCase

from memory.models import Decision, Memory, State
from memory.remember.by_hand import deciding
from tests.make import NOW, make_memory, make_providers, make_workspace

LATER = NOW + timedelta(hours=1)
BESIDE = {"updated_at", "version"}  # what undoing may change


def act(verb: Callable[..., Any], row: Memory | uuid.UUID, **more: Any) -> Any:
    """Do an act in a memory's workspace, committed as far as a test commits."""
    workspace_id = row.workspace_id if isinstance(row, Memory) else row
    options = {"workspace_id": workspace_id, "actor": "ops", "now": LATER} | more
    with TestCase.captureOnCommitCallbacks(execute=True):
        return verb(**options)


def provided(verb: Callable[..., Any], row: Memory | uuid.UUID, **more: Any) -> Any:
    """The same with providers."""
    return act(verb, row, providers=make_providers(), **more)


def make_memories(*texts: str, **fields: Any) -> list[Memory]:
    """Memories of one user."""
    workspace = make_workspace()
    return [make_memory(text, workspace, **fields) for text in texts]


def snapshot(*memories: Memory) -> list[dict[str, Any]]:
    """Every column of the rows as they are stored, but for when and how often they were changed."""
    columns = [field.attname for field in Memory._meta.concrete_fields if field.attname not in BESIDE]
    rows = {row["id"]: row for row in Memory.objects.filter(pk__in=[one.pk for one in memories]).values(*columns)}
    return [rows[one.pk] | {"embedding": str(rows[one.pk]["embedding"])} for one in memories]


def decide(
    memory: Memory, other: Memory | None, outcome: str, *, state: State | None = None, **fields: Any
) -> Decision:
    """A decision of the pipeline: with a state, `other` gives way to `memory`."""
    effects = []
    if other is not None and state is not None:
        before = deciding.side(other)
        other.state, other.replaced_by, other.valid_to = state, memory, NOW
        other.save()
        effects = [deciding.effect(other, before)]
    defaults = {
        "workspace_id": memory.workspace_id,
        "user_id": memory.user_id,
        "memory": memory,
        "other": other,
        "outcome": outcome,
        "text": memory.text,
        "effects": effects,
    }
    return Decision.objects.create(**defaults | fields)


def refused(error: type[Exception], match: str) -> Any:
    return pytest.raises(error, match=match)
