"""Sums, extremes and latest values of a window that moves over cells, all its places at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Line = npt.NDArray[np.float64]


def moving(rows: Line, width: int) -> Line:
    """The sum of each `width` rows that follow one another."""
    if width == 1:
        return rows
    reached = np.cumsum(rows, axis=0)
    reached[width:] -= reached[:-width].copy()
    return reached[width - 1 :]


def totals(rows: Line, width: int) -> Line:
    """As `moving`, with exactly 0 where all rows of the window are: a running sum of fractions leaves a crumb there."""
    some = moving((rows != 0).astype(np.float64), width)
    return np.where(some > 0, moving(rows, width), 0.0)


def least(rows: Line, width: int) -> Line:
    """The smallest of each `width` rows.

    Of what is known of a window's two halves, which may overlap: log(width) passes whatever the width.
    """
    reached = 1
    while reached < width:
        ahead = min(reached, width - reached)
        rows = np.minimum(rows[:-ahead], rows[ahead:])
        reached += ahead
    return rows


def latest(values: Line) -> Line:
    """At each place the last value that is known by then; NaN before the first."""
    known = np.where(np.isnan(values), -1, np.arange(len(values)))
    places = np.maximum.accumulate(known)
    return np.where(places >= 0, values[places], np.nan)
