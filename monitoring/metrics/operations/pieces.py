"""Which tier serves which piece of a time: the widest that fits, with narrower ones at the ragged ends."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection

from monitoring.metrics.store.retain import DAY_S, HOURS_S, MINUTES_S, SECONDS_S

SKETCHES: Final = (DAY_S, 3600, 60, 10)  # widths, the widest first
FIGURES: Final = (3600, 60, 1)
# both from the end of an index
TIERS_SQL: Final = """
SELECT (SELECT sealed_until FROM monitoring_watermark LIMIT 1),
  (SELECT min(start) FROM monitoring_latencysketch WHERE width = %s)
"""
KEPT_S: Final = {1: SECONDS_S, 10: SECONDS_S, 60: MINUTES_S, 3600: HOURS_S, DAY_S: HOURS_S}


@dataclass(frozen=True, slots=True)
class Piece:
    """The rows of one width that begin in [start, end), in epoch seconds."""

    width: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Tiers:
    """How far each tier reaches. Days have sketches of their own from `days_from` on."""

    sealed_until: int
    days_from: int | None

    def pieces(self, start: int, end: int, widths: Sequence[int]) -> list[Piece]:
        """The pieces of [start, end) from the widths given, the widest first. The narrowest takes what is left."""
        return list(self._pieces(start, end, tuple(widths)))

    def fitting(self, widths: Sequence[int], *, start: int, step_s: int | None) -> list[int]:
        """Of these widths those whose rows lie within a step, all where there is none.

        Where such rows are no longer kept since `start`, the narrowest that are.
        """
        fits = [width for width in widths if step_s is None or step_s % width == 0]
        age_s = self.sealed_until - start
        if fits and age_s <= KEPT_S[fits[0]]:
            return fits
        return [min((width for width in widths if age_s <= KEPT_S[width]), default=widths[0])]

    def _pieces(self, start: int, end: int, widths: tuple[int, ...]) -> Iterator[Piece]:
        width, *narrower = widths
        if start >= end:
            return
        if not narrower:
            yield Piece(width, start - start % width, end)
            return
        first = start + -start % width
        if width == DAY_S:
            first = max(first, self.sealed_until if self.days_from is None else self.days_from)
        until = min(end, self.sealed_until)
        until -= until % width
        if first >= until:
            yield from self._pieces(start, end, tuple(narrower))
            return
        yield from self._pieces(start, first, tuple(narrower))
        yield Piece(width, first, until)
        yield from self._pieces(until, end, tuple(narrower))


def tiers() -> Tiers:
    """As they reach now: one query."""
    with connection.cursor() as cursor:
        cursor.execute(TIERS_SQL, [DAY_S])
        mark, days_from = cursor.fetchone()
    return Tiers(int(time.time()) if mark is None else mark, days_from)
