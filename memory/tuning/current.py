"""Which settings hold for a workspace: read from PostgreSQL, kept by each process for a moment."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Final

from memory.models import Tuning
from memory.tuning.stored import read
from memory.tuning.terms import Terms

TermsOf = Callable[[uuid.UUID], Terms]  # of a workspace, by its id

KEPT_S: Final = 2.0  # another process sees a change this much later at most
MOST: Final = 10_000

_kept: dict[uuid.UUID, tuple[float, Terms, str]] = {}


def current(workspace_id: uuid.UUID) -> Terms:
    """The settings of the highest version; the defaults where there is none."""
    return _known(workspace_id)[1]


def mark(workspace_id: uuid.UUID) -> str:
    """What tells answers under one version of the settings from those under another, where they are cached."""
    return _known(workspace_id)[2]


def peek_mark(workspace_id: uuid.UUID) -> str | None:
    """The same without asking PostgreSQL; None where this process has not read the settings a moment ago."""
    known = _kept.get(workspace_id)
    return known[2] if known is not None and known[0] > time.monotonic() else None


def forget() -> None:
    """Have this process read them anew."""
    _kept.clear()


def _known(workspace_id: uuid.UUID) -> tuple[float, Terms, str]:
    known = _kept.get(workspace_id)
    if known is not None and known[0] > time.monotonic():
        return known
    newest = Tuning.objects.filter(workspace_id=workspace_id).order_by("-number").values_list("number", "terms")
    number, terms = newest.first() or (0, {})
    if len(_kept) >= MOST:
        _kept.clear()
    found = (time.monotonic() + KEPT_S, read(terms), f".{number}" if number else "")
    _kept[workspace_id] = found
    return found
