"""What the model should know before its next call.

Data flows through shape (what the flags make of it) → assemble (with read: what there is) → filling (what fits, and how
it is said) → parts (as it is answered). `served` counts what was told; `warm` makes cached answers again.
"""

from __future__ import annotations

from memory.context import warm as warm  # says how its caches are made
from memory.context.assemble import assemble
from memory.context.filling import Variant
from memory.context.parts import Context, Known, Part, Thread, as_json
from memory.context.shape import Shape, shape_of

__all__ = ["Context", "Known", "Part", "Shape", "Thread", "Variant", "as_json", "assemble", "shape_of"]
