"""What a user's memories are: facts that are found become memories, and people change them by hand.

`write` decides about facts and writes them down; `by_hand` has what people do: edit, restore, merge, split, resolve,
keep apart, undo; `erasure` forgets for good and proves it.
"""

from __future__ import annotations

from memory.remember.by_hand.edit import edit, restore
from memory.remember.by_hand.merge import merge
from memory.remember.by_hand.review import Answer, keep_apart, resolve
from memory.remember.by_hand.split import split
from memory.remember.by_hand.undo import undo
from memory.remember.erasure import forget
from memory.remember.write import Remembered, Statement, remember, write_down

__all__ = [
    "Answer",
    "Remembered",
    "Statement",
    "edit",
    "forget",
    "keep_apart",
    "merge",
    "remember",
    "resolve",
    "restore",
    "split",
    "undo",
    "write_down",
]
