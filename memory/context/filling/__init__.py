"""What goes into a context, and how it is said: fill chooses, `told` knows what the messages say already."""

from __future__ import annotations

from memory.context.filling.fill import Filled, fill
from memory.context.filling.style import STYLES, Style, Variant

__all__ = ["STYLES", "Filled", "Style", "Variant", "fill"]
