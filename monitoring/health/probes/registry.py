"""The checks that apps register, and what a check says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
LONGEST_S: Final = 5.0


class Status(StrEnum):
    """The words of health+json. A check that is not required is never worse than WARN."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return list(Status).index(self)


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found. Without a value, the time that it took is the value.

    `output` says what is wrong in words for everybody: probes need no sign-in, so it names no host, address or user.
    """

    status: Status
    value: float | None = None
    unit: str = ""
    output: str = ""

    @classmethod
    def good(cls, value: float | None = None, unit: str = "") -> Result:
        return cls(Status.PASS, value, unit)

    @classmethod
    def bad(cls, output: str, value: float | None = None, unit: str = "") -> Result:
        return cls(Status.FAIL, value, unit, output)


@dataclass(frozen=True, slots=True)
class Check:
    """A registered check. `measurement` and `kind` are health+json's words for what it looks at."""

    name: str
    run: Callable[[], Result]
    component: str
    is_required: bool
    timeout_s: float
    measurement: str
    kind: str


_checks: dict[str, Check] = {}


def register(
    name: str,
    check: Callable[[], Result],
    *,
    component: str,
    is_required: bool,
    timeout_s: float = 1.0,
    measurement: str = "responseTime",
    kind: str = "component",
) -> None:
    """Has every web process run `check` every ten seconds. Registering a name again replaces it.

    Where a required one fails, the process takes itself out of service; others are warnings. Raises ValueError.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"a check's name has 1 to 40 of a-z, 0-9 and '-', got {name!r}")
    if not 0 < timeout_s <= LONGEST_S:
        raise ValueError(f"a check may take up to {LONGEST_S:g} s, {name} wants {timeout_s:g}")
    _checks[name] = Check(name, check, component, is_required, timeout_s, measurement, kind)


def registered() -> list[Check]:
    """Required ones first, each group in the order of registration."""
    return sorted(_checks.values(), key=lambda check: not check.is_required)
