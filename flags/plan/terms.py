"""What a plan is made of: stages, by hand or from a template, and the guard's policy with what differs in this plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from math import isfinite
from typing import Any, Final

from flags.errors import InvalidError
from flags.guard.policy import LIMITS, Limit, Policy
from flags.guard.policy import Stage as Step
from flags.guard.statistics.units import Metric
from flags.models import Stage

LONGEST_MIN: Final = 14 * 24 * 60.0  # of one dwell
PLACES: Final = -3  # of a share's decimals

# what a plan may set of the guard's policy, and between which values
RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "alpha": (0.001, 0.2),
    "warn_at": (2, 1000),
    "least_units": (2, 100_000),
    "least_looks": (1, 1000),
    "least_events": (1, 10_000),
    "error_points": (0, 0.05),
    "uncertified_to": (0, 100),
    "longest_dwell_min": (1, LONGEST_MIN),
    "silence_s": (60, 86_400),
    "stop_share": (0.01, 1),
    "stop_errors": (1, 100_000),
    "stop_units": (1, 100_000),
}
WHOLE: Final = {"least_units", "least_looks", "least_events", "stop_errors", "stop_units"}
BACK: Final = "back_to_certified"
BOUNDS: Final = "limits"  # {metric: {"margin": 1.1, "floor": 1.03}}
HIGHEST: Final = 10.0  # of a margin and a floor


@dataclass(frozen=True, slots=True)
class Template:
    """Stages that have a name; `about` says what they are for."""

    name: str
    about: str
    stages: tuple[tuple[Decimal, float], ...]  # share, and minutes at least

    @property
    def least_min(self) -> float:
        """How long it takes when nothing holds it."""
        return sum(dwell_min for _, dwell_min in self.stages)


def _stages(*pairs: tuple[str, float]) -> tuple[tuple[Decimal, float], ...]:
    return tuple((Decimal(percent), float(dwell_min)) for percent, dwell_min in pairs)


TEMPLATES: Final[Mapping[str, Template]] = {
    template.name: template
    for template in (
        Template(
            "standard",
            "For most changes: six stages in about three and a half hours, each longer than the one before.",
            _stages(("1", 10), ("5", 15), ("10", 30), ("25", 30), ("50", 60), ("100", 60)),
        ),
        Template(
            "careful",
            "For what is hard to take back or slow to show harm: nine stages, a night at 10 % and a day at 50 %.",
            _stages(
                *(("0.5", 30), ("1", 60), ("5", 120), ("10", 720), ("20", 240), ("35", 240)),
                *(("50", 1440), ("75", 240), ("100", 240)),
            ),
        ),
        Template(
            "swift",
            "For small changes under much traffic, and for trying again what was fixed: four stages in half an hour.",
            _stages(("5", 5), ("25", 10), ("50", 10), ("100", 5)),
        ),
    )
}


def stages(
    given: Sequence[tuple[Any, Any]] | None, template: str, *, share: Decimal, name: str
) -> list[tuple[Decimal, float]]:
    """The stages of a plan for a flag that stands at `share`. Raises InvalidError.

    A template's stages below that share are left out; stages given by hand must not begin below it.
    """
    if given is None:
        return _from_template(template, share, name)
    if not 1 <= len(given) <= Stage.LIMIT:
        raise InvalidError(("stages", f"A plan has 1 to {Stage.LIMIT} stages, got {len(given)}."))
    found = [(_percent(percent, i), _dwell(dwell, i)) for i, (percent, dwell) in enumerate(given, 1)]
    for number, ((before, _), (after, _)) in enumerate(pairwise(found), 2):
        if after <= before:
            raise InvalidError(("stages", f"Stage {number}: {after:f} % must be more than the {before:f} % before it."))
    if found[0][0] < share:
        raise InvalidError(
            (
                "stages",
                f"{name} stands at {written(share)} %: a first stage of {written(found[0][0])} % would take it away "
                "from units that have it. Begin at that share or above, or lower the flag first.",
            )
        )
    return found


def policy_of(given: Mapping[str, Any], steps: Iterable[Stage]) -> Policy:
    """The guard's policy for these stages, with what the plan says otherwise. Raises InvalidError."""
    known = checked(given)
    limits = LIMITS.copy()
    for metric, bound in known.pop(BOUNDS, {}).items():
        limits[Metric(metric)] = Limit(**bound)
    walked = tuple(Step(float(step.percent), step.dwell_min) for step in steps)
    return replace(Policy(limits=limits, stages=walked), **known)


def checked(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a plan may say of its policy, with numbers as numbers. Raises InvalidError naming each fault."""
    faults: list[tuple[str, str]] = []
    found: dict[str, Any] = {}
    for key, value in (given or {}).items():
        try:
            found[key] = _checked(key, value)
        except ValueError as problem:
            faults.append((f"policy.{key}", str(problem)))
    if faults:
        raise InvalidError(*faults)
    return found


def written(percent: Decimal) -> str:
    """12.5, 100: without zeros that say nothing."""
    return f"{percent.normalize():f}"


def _checked(key: str, value: Any) -> Any:
    if key == BACK:
        if not isinstance(value, bool):
            raise ValueError(f"true or false, got {value!r}.")
        return value
    if key == BOUNDS:
        return _limits(value)
    if key not in RANGES:
        known = ", ".join(sorted([*RANGES, BACK, BOUNDS]))
        raise ValueError(f"A policy has no such value. It has {known}.")
    number = _number(value, *RANGES[key])
    return int(number) if key in WHOLE else number


def _limits(value: Any) -> dict[str, dict[str, float]]:
    if not isinstance(value, Mapping):
        raise ValueError('Write {"latency": {"margin": 1.1, "floor": 1.03}}.')
    found = {}
    for metric, bound in value.items():
        if metric not in set(Metric) or not isinstance(bound, Mapping) or set(bound) != {"margin", "floor"}:
            raise ValueError(f"Name {', '.join(Metric)}, each with margin and floor, got {str(metric)[:40]!r}.")
        found[str(metric)] = {
            "margin": _number(bound["margin"], 1.001, HIGHEST),
            "floor": _number(bound["floor"], 1, HIGHEST),
        }
    return found


def _number(value: Any, least: float, most: float) -> float:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if not is_number or not isfinite(value) or not least <= value <= most:
        raise ValueError(f"a number from {least:g} to {most:g}, got {str(value)[:40]!r}.")
    return float(value)


def _percent(value: Any, number: int) -> Decimal:
    try:
        percent = Decimal(str(value))
    except InvalidOperation:
        percent = Decimal("NaN")
    if not percent.is_finite() or not 0 < percent <= 100:
        raise InvalidError(
            ("stages", f"Stage {number}: a share is above 0 and at most 100 %, got {str(value)[:40]!r}.")
        )
    exponent = percent.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < PLACES:
        raise InvalidError(("stages", f"Stage {number}: a share has at most 3 decimals, got {str(value)[:40]!r}."))
    return percent


def _dwell(value: Any, number: int) -> float:
    try:
        return _number(value, 0, LONGEST_MIN)
    except ValueError as problem:
        raise InvalidError(("stages", f"Stage {number}: the dwell in minutes is {problem}")) from None


def _from_template(name: str, share: Decimal, flag: str) -> list[tuple[Decimal, float]]:
    template = TEMPLATES.get(name)
    if template is None:
        known = ", ".join(TEMPLATES)
        raise InvalidError(("template", f"Give stages, or one of the templates {known}; got {name[:40]!r}."))
    found = [stage for stage in template.stages if stage[0] >= share]
    if not found:
        raise InvalidError(("template", f"{flag} stands at {written(share)} %: there is no stage left to climb to."))
    return found
