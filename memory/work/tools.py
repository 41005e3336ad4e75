"""What jobs are done with: the providers, and the settings of each workspace."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeVar

from django.db import DatabaseError

from memory import catalogue, tuning
from memory.errors import HoldfastError
from memory.providers import configured
from memory.providers.base import ProviderError
from memory.providers.standby import Standby

CALLS: Final = 8  # to remote providers at once, in one process

# What one user's data can bring about, and so is that user's failure alone. What ends the work of all, such as a time
# limit, is not among them.
FAULTS: Final = (
    ArithmeticError,
    AttributeError,
    DatabaseError,
    HoldfastError,
    LookupError,
    OSError,
    ProviderError,
    RuntimeError,
    TypeError,
    ValueError,
)

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Tools:
    """The providers, the settings of each workspace, and whose messages memories are made of."""

    providers: Standby
    terms: tuning.TermsOf = tuning.current
    remembers: Callable[[uuid.UUID, str], bool] = catalogue.remembers


def from_settings() -> Tools:
    return Tools(providers=configured.standby())


def each(do: Callable[[A], B], items: Sequence[A], *, at_once: bool) -> list[B | Exception]:
    """What `do` gives for each item, or the fault that it raised; several at once where it waits for somebody else."""

    def one(item: A) -> B | Exception:
        try:
            return do(item)
        except FAULTS as problem:
            return problem

    if at_once and len(items) > 1:
        # in a context each, copied here: what they call belongs to the trace that is going on
        contexts = [copy_context() for _ in items]
        return list(_pool().map(lambda context, item: context.run(one, item), contexts, items))
    return [one(item) for item in items]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CALLS, thread_name_prefix="providers")


# threads do not come along into a forked worker: it starts its own
os.register_at_fork(after_in_child=_pool.cache_clear)
