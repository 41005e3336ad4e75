"""What the flags make of one user's context: its variant, and whether anything is remembered of what the user says."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from memory.catalogue import CHATGPT_MEMORY, ENHANCED_PROMPTS, NOTHING_REMEMBERED
from memory.context.filling.style import Variant

MEMORY, PROMPTS = CHATGPT_MEMORY.name, ENHANCED_PROMPTS.name
Ask = Callable[..., bool]


@dataclass(frozen=True, slots=True)
class Shape:
    """`mark` tells answers of different shapes apart where they are cached."""

    variant: Variant
    remembers: bool
    mark: str

    @property
    def notices(self) -> tuple[str, ...]:
        """What the answer says beside the context."""
        return () if self.remembers else (NOTHING_REMEMBERED,)


# the few that there are: one is made of each, since the hot read has no time to make them
_SHAPES: Final = {
    (variant, remembers): Shape(variant, remembers, f".{variant.value}{'' if remembers else '.off'}")
    for variant in Variant
    for remembers in (True, False)
}
_ENHANCED: Final = _SHAPES[Variant.ENHANCED, True], _SHAPES[Variant.ENHANCED, False]
_PLAIN: Final = _SHAPES[Variant.PLAIN, True], _SHAPES[Variant.PLAIN, False]


def shape_of(workspace_id: uuid.UUID, user_id: str, ask: Ask, *, wanted: Any = None) -> Shape:
    """By the flags as `ask` answers for them; a variant that is `wanted` is not asked for."""
    workspace = str(workspace_id)
    is_forgetful = not ask(MEMORY, user_id, workspace=workspace)
    is_enhanced = ask(PROMPTS, user_id, workspace=workspace) if wanted is None else wanted == Variant.ENHANCED
    return (_ENHANCED if is_enhanced else _PLAIN)[is_forgetful]
