"""What the verbs of flags refuse, in words that a caller can act on.

FlagError
├── UnknownFlagError     no such flag                                          404
├── InvalidError         a value that can't be meant, with its field           422
├── NotAllowedError      this person may not                                   403
└── ConflictError        not as things stand: frozen, pinned, a plan runs      409
    └── StaleError       somebody changed it since; carries the difference     409
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any


class FlagError(Exception):
    """Base: `str(error)` is one sentence or two for the caller."""


class UnknownFlagError(FlagError):
    pass


class InvalidError(FlagError):
    """`faults` are pairs of the field and what is wrong with its value."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in faults))
        self.faults = faults


class NotAllowedError(FlagError):
    pass


class ConflictError(FlagError):
    pass


class StaleError(ConflictError):
    """`current` is the flag's version now, and `diff` the fields that others changed since: name → (yours, theirs).

    "yours" is the value that the caller had seen. `actor` and `at` are of the latest change.
    """

    def __init__(
        self, message: str, *, current: int, diff: Mapping[str, tuple[Any, Any]], actor: str, at: datetime | None
    ) -> None:
        super().__init__(message)
        self.current = current
        self.diff = diff
        self.actor = actor
        self.at = at
