"""Whose messages are searched: one user's, one conversation's, or one user's in one conversation."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Final

MOST: Final = 20_000  # messages that are read as a whole; of more, what the indexes of words and vectors offer


@dataclass(frozen=True, slots=True)
class Scope:
    """At least one of the two is named."""

    workspace_id: uuid.UUID
    user_id: str | None = None
    conversation_id: uuid.UUID | None = None

    @property
    def where(self) -> str:
        """A condition on the columns of memory_indexedmessage, to go with `arguments`."""
        narrowed = ["workspace_id = %(workspace)s"]
        if self.user_id is not None:
            narrowed.append("user_id = %(user)s")
        if self.conversation_id is not None:
            narrowed.append("conversation_id = %(conversation)s")
        return " AND ".join(narrowed)

    @property
    def arguments(self) -> dict[str, Any]:
        return {"workspace": self.workspace_id, "user": self.user_id, "conversation": self.conversation_id}
