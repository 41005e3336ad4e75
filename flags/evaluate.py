"""Whether a flag is on for a unit: from rows that the process keeps for a second, sticky and monotone by hash."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from django.db import DatabaseError

from flags import bucketing
from flags.models import Flag

KEEP_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Rule:
    threshold: int
    salt: str


class _Kept:
    """The rules as this process last read them."""

    rules: dict[str, _Rule] | None = None
    until = 0.0


def is_on(name: str, unit: str, *, default: bool = False) -> bool:
    """Whether flag `name` is on for `unit` (a user's or workspace's id); `default` where no such flag exists.

    A change is seen within a second. With the database away the last known rules stay.
    """
    rule = _rules().get(name)
    if rule is None:
        return default
    return bucketing.bucket(rule.salt, unit) < rule.threshold


def forget() -> None:
    """Have the next question read the rows anew."""
    _Kept.until = 0.0


def _rules() -> dict[str, _Rule]:
    now = time.monotonic()
    if _Kept.rules is None or now >= _Kept.until:
        try:
            _Kept.rules = {flag.name: _Rule(bucketing.threshold(flag.share), flag.salt) for flag in Flag.objects.all()}
        except DatabaseError:
            if _Kept.rules is None:
                raise
        _Kept.until = now + KEEP_S
    return _Kept.rules
