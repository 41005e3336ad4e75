"""One guard around every call of a remote provider: bounded in time and rate, asked once, watched and measured.

A call passes deadline → flights and batch (calls that can be one become one) → breaker → limit → retry → measure. Calls
are joined before they are limited, since one that goes nowhere takes nothing of the rate; and the breaker is asked
before the limit, so that an open one refuses at once instead of after a wait.
"""

from __future__ import annotations

from memory.providers.guard.batch import EmbeddingBatcher
from memory.providers.guard.deadline import Clock, Deadline
from memory.providers.guard.guard import Guard
from memory.providers.guard.measure import Reply
from memory.providers.guard.registry import forget_guards, guard_of

__all__ = ["Clock", "Deadline", "EmbeddingBatcher", "Guard", "Reply", "forget_guards", "guard_of"]
