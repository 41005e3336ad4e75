"""The drills that apps register."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from monitoring.health.drills.drill import Drill

NAME: Final = re.compile(r"[a-z][a-z-]{2,38}")


def nothing(scope: str) -> None:
    """For drills that leave nothing behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One drill. `do` takes the steps; `clean` removes what any scope that begins so has left, now or long ago."""

    name: str
    title: str
    about: str
    do: Callable[[Drill], None]
    clean: Callable[[str], None] = nothing
    method: Literal["GET", "POST"] = "POST"
    limit_s: float = 10.0
    spoken: tuple[type[Exception], ...] = ()  # errors whose words are for people

    @property
    def prefix(self) -> str:
        """What all scopes of this drill begin with."""
        return f"drill-{self.name.removesuffix('-test')}-"


_specs: dict[str, Spec] = {}


def register(spec: Spec) -> None:
    """Makes a drill known. Registering a name again replaces it. Raises ValueError for a name or limit that is none."""
    if not NAME.fullmatch(spec.name):
        raise ValueError(f"a drill's name has 3 to 39 of a-z and '-', got {spec.name!r}")
    if not 0 < spec.limit_s <= 30:
        raise ValueError(f"a drill may take up to 30 s, {spec.name} wants {spec.limit_s:g}")
    _specs[spec.name] = spec


def registered() -> list[Spec]:
    """In the order in which they were registered."""
    return list(_specs.values())


def find(name: str) -> Spec | None:
    return _specs.get(name)
