"""How sure a line is: intervals of a quantile by order statistics, and of a share by Wilson.

Both take requests as if each were drawn by itself. Requests of one user are alike, so the truth is a little wider;
the guard, which decides, compares units instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from monitoring.metrics.sketch import LOWEST, VALUES

Z: Final = 1.959964  # 95 %
Band = tuple[list[float | None], list[float | None], list[float | None]]  # low, middle, high
Numbers = npt.NDArray[np.float64]


def quantile(counts: Numbers, lowest: int, q: float) -> Band:
    """The q-quantile in seconds of each row of bucket counts, with the order statistics that hold it 95 times in 100.

    Of n values these are the ones of rank nq ± z√(nq(1-q)) (Conover, Practical Nonparametric Statistics, 3.2). Where
    a rank lies beyond the last value, as it does for p95 of less than 80 or so, the last value stands for it.
    """
    totals = counts.sum(axis=1)
    spread = Z * np.sqrt(totals * q * (1 - q))
    ranks = (totals * q - spread, totals * q * (1 - 1e-12), totals * q + spread)
    low, middle, high = (_ranked(counts, np.ceil(rank), lowest) for rank in ranks)
    return low, middle, high


def share(parts: Sequence[float], wholes: Sequence[float]) -> Band:
    """Shares of 1 with Wilson's interval; None where there was nothing to divide."""
    low, middle, high = zip(*(_wilson(*pair) for pair in zip(parts, wholes, strict=True)), strict=True)
    return list(low), list(middle), list(high)


def _ranked(counts: Numbers, ranks: Numbers, lowest: int) -> list[float | None]:
    reached = np.cumsum(counts, axis=1)
    totals = reached[:, -1]
    wanted = np.clip(ranks, 1, np.maximum(totals, 1))
    columns = (reached >= wanted[:, None]).argmax(axis=1)
    values: list[float] = VALUES[columns + lowest - LOWEST].tolist()
    return [value if total else None for value, total in zip(values, totals.tolist(), strict=True)]


def _wilson(part: float, whole: float) -> tuple[float | None, float | None, float | None]:
    if whole <= 0:
        return None, None, None
    found, z2 = min(part / whole, 1.0), Z * Z
    centre = (found + z2 / (2 * whole)) / (1 + z2 / whole)
    half = Z / (1 + z2 / whole) * sqrt(found * (1 - found) / whole + z2 / (4 * whole * whole))
    return max(0.0, min(centre - half, found)), found, min(1.0, max(centre + half, found))
