"""Flags as tests need them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flags import snapshot
from flags.models import Flag


def make_flag(name: str = "enhanced", percent: float | str | None = 10, **fields: Any) -> Flag:
    """A stored flag that this process knows of; `percent` None leaves none."""
    share = None if percent is None else Decimal(str(percent))
    flag = Flag(name=name, percent=share, **fields)
    flag.save()
    snapshot.forget()
    return flag
