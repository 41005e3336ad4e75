"""Which settings hold for a workspace: read from PostgreSQL, kept by each process for a moment."""

from __future__ import annotations

import time
import uuid
from typing import Final

from memory.models import Tuning
from memory.tuning.terms import Terms

KEPT_S: Final = 2.0  # another process sees a change this much later at most
MOST: Final = 10_000

_kept: dict[uuid.UUID, tuple[float, Terms]] = {}


def current(workspace_id: uuid.UUID) -> Terms:
    """The settings of the highest version; the defaults where there is none."""
    known = _kept.get(workspace_id)
    if known is not None and known[0] > time.monotonic():
        return known[1]
    newest = Tuning.objects.filter(workspace_id=workspace_id).order_by("-number").values_list("terms", flat=True)
    terms = Terms.model_validate(newest.first() or {})
    if len(_kept) >= MOST:
        _kept.clear()
    _kept[workspace_id] = (time.monotonic() + KEPT_S, terms)
    return terms


def forget() -> None:
    """Have this process read them anew."""
    _kept.clear()
