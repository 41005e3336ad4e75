"""The catalogue: every flag that the code asks for, told by the app that asks, with what holds until somebody says.

The environment may say otherwise: ENABLE_NAME (true, false) and NAME_ROLLOUT (0 to 100) are where a flag begins,
and FLAG_FORCE_NAME (on, off, or a share) holds whatever the database says. It is read once in a process.
"""

from __future__ import annotations

from flags.catalog.check import check
from flags.catalog.entry import Entry, entries, find, register
from flags.catalog.environment import Pin, pin, reread, seeded

__all__ = ["Entry", "Pin", "check", "entries", "find", "pin", "register", "reread", "seeded"]
