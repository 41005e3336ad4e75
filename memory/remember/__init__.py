"""What a user's memories are: facts that are found become memories, and people change them by hand.

`write` decides about facts and writes them down; `by_hand` edits and forgets one.
"""

from __future__ import annotations

from memory.remember.by_hand import edit, forget
from memory.remember.write import Remembered, Statement, remember, write_down

__all__ = ["Remembered", "Statement", "edit", "forget", "remember", "write_down"]
