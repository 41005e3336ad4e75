"""Where a unit stands in a flag's rollout: one fixed number for ever, compared with a threshold that grows.

So the same units get the flag at the same share (sticky), who has it keeps it while the share rises (monotone), and
two flags draw different units (independent, by their salts). The formula, with its vectors, is that of
`reference/flags.md`, and PostgreSQL answers the same by BUCKET_SQL.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Final

SPACE: Final = 1 << 64
STEP: Final = Decimal("0.001")  # percent
# As bytes, whose order is that of the numbers; parameters: the salt and the unit, both text.
BUCKET_SQL: Final = "substr(sha256(convert_to({salt}, 'UTF8') || '\\x00'::bytea || convert_to({unit}, 'UTF8')), 1, 8)"


def bucket(salt: str, unit: str) -> int:
    """Where `unit` stands, 0 to SPACE - 1."""
    return int.from_bytes(hashlib.sha256(f"{salt}\0{unit}".encode()).digest()[:8], "big")


def threshold(percent: Decimal) -> int:
    """The buckets below it are in: none at 0, all at 100, exactly."""
    return int(percent * SPACE / 100)


def edge(percent: Decimal) -> bytes:
    """The threshold as BUCKET_SQL's values are compared with it."""
    wanted = threshold(percent)
    return b"\xff" * 9 if wanted >= SPACE else wanted.to_bytes(8, "big")


def enters_at(salt: str, unit: str) -> Decimal:
    """The least percentage, in steps of 0.001, at which `unit` is in."""
    steps = -(-(bucket(salt, unit) + 1) * 100_000 // SPACE)
    return steps * STEP
