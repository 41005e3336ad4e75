"""What other parts have the aggregator do each second."""

from __future__ import annotations

from collections.abc import Callable

Tick = Callable[[int], None]  # given the second, since the epoch

_makers: list[Callable[[], Tick]] = []


def register_tick(make: Callable[[], Tick]) -> None:
    """Has the aggregator call what `make` returns each second. `make` runs in the aggregator only, when it starts."""
    _makers.append(make)


def registered() -> list[Tick]:
    """Made anew."""
    return [make() for make in _makers]
