"""Flags as a file: written out, compared with what is here, and brought in by the same rules as any change.

A file says of a flag what it names; fields that it leaves out stay. Flags that are only here are a difference too, and
stay: whoever wants them gone deletes them by name.
"""

from __future__ import annotations

from flags.change.transfer.bring import apply
from flags.change.transfer.compare import Difference, compared
from flags.change.transfer.file import exported

__all__ = ["Difference", "apply", "compared", "exported"]
