"""What alerts refuse, with all reasons at once.

AlertsError
├── RefusedError    what was given can't be: by field what is wrong, and what to do
└── ConflictError   somebody else changed it meanwhile
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitoring.models import AlertRule, Channel


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field, and what would do."""

    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        return f"{self.message}. {self.suggestion}" if self.suggestion else self.message


class AlertsError(Exception):
    pass


class RefusedError(AlertsError):
    def __init__(self, problems: Mapping[str, Problem]) -> None:
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems.items()))
        self.problems = dict(problems)

    @classmethod
    def one(cls, field: str, message: str, suggestion: str = "") -> RefusedError:
        return cls({field: Problem(message, suggestion)})


class ConflictError(AlertsError):
    """`current` is the row as it is now."""

    def __init__(self, current: AlertRule | Channel) -> None:
        super().__init__(f"{current} was changed meanwhile and has version {current.version}: look at it and try again")
        self.current = current
