"""What the model should know before its next call.

Data flows through shape (what the flags make of it) → assemble (with read: what there is) → fill (what fits) → style
(how it is said) → parts (as it is answered). `warm` makes cached answers again.
"""

from __future__ import annotations

from memory.context import warm as warm  # says how its caches are made
from memory.context.assemble import assemble
from memory.context.parts import Context, Known, Part, Thread, as_json
from memory.context.shape import Shape, shape_of
from memory.context.style import Variant

__all__ = ["Context", "Known", "Part", "Shape", "Thread", "Variant", "as_json", "assemble", "shape_of"]
