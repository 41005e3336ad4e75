"""How the simulated provider misbehaves: what can be turned, within which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

# Of each knob that is no rate from 0 to 1: the least and the most.
BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "latency_ms": (0, 60_000),
    "jitter_ms": (0, 60_000),
    "error_status": (400, 599),
    "fail_next": (0, 1_000_000),
    "retry_after_s": (0, 3600),
    "hang_s": (0, 3600),
    "slow_stream_ms": (0, 60_000),
}


class KnobError(ValueError):
    """A knob that is not there, or a value that it can't have; `knob` is its name."""

    def __init__(self, knob: str, message: str) -> None:
        super().__init__(message)
        self.knob = knob


@dataclass(frozen=True, slots=True)
class Knobs:
    """All as of a healthy provider, unless said otherwise. Rates are shares of requests, 0 to 1.

    `jitter_ms`: up to so much more than `latency_ms`, drawn evenly. `error_status`: what `error_rate` and `fail_next`
    answer; 429 and 503 carry a Retry-After of `retry_after_s`. `fail_next`: so many requests fail, then no more.
    `hang_rate`: no answer for `hang_s`. `cut_rate`: the connection is cut in the middle of the body.
    `bad_json_rate`: status 200 and half a document. `slow_stream_ms`: between the pieces of a stream.
    `wrong_key`: every key is refused with 401.
    """

    latency_ms: float = 0
    jitter_ms: float = 0
    error_rate: float = 0
    error_status: int = 500
    fail_next: int = 0
    rate_limit_rate: float = 0
    retry_after_s: int = 1
    hang_rate: float = 0
    hang_s: float = 60
    cut_rate: float = 0
    bad_json_rate: float = 0
    slow_stream_ms: float = 0
    wrong_key: bool = False

    def __post_init__(self) -> None:
        for knob in fields(self):
            _require(knob.name, kind_of(knob.name), getattr(self, knob.name))

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """These knobs with some turned. Raises KnobError for one that is not there or can't be so."""
        known = {knob.name for knob in fields(self)}
        for name in changes:
            if name not in known:
                raise KnobError(name, f"There is no knob {name!r}: there are {', '.join(sorted(known))}.")
        return replace(self, **changes)


def kind_of(name: str) -> type[bool] | type[int] | type[float]:
    """What a knob takes: `bool`, `int`, or `float`."""
    return {"bool": bool, "int": int}.get(str(Knobs.__annotations__[name]), float)


def _require(name: str, kind: type, value: Any) -> None:
    if kind is bool:
        if not isinstance(value, bool):
            raise KnobError(name, f"{name} must be true or false, got {value!r}")
        return
    least, most = BOUNDS.get(name, (0, 1))
    numeric = (int,) if kind is int else (int, float)
    # NaN is within no bounds.
    if isinstance(value, bool) or not isinstance(value, numeric) or not least <= value <= most:
        words = "a whole number" if kind is int else "a number"
        raise KnobError(name, f"{name} must be {words} from {least:g} to {most:g}, got {value!r}")
