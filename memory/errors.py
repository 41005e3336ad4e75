"""What a verb refuses, in words that a caller can act on.

HoldfastError
├── NotFoundError        no such row in the caller's workspace
├── GoneError            it was there, and its text was erased
├── ConflictError        the row changed, or is not in a state that allows this
└── UnauthorisedError    no valid key
    └── ForbiddenError   a valid key without the scope
"""

from __future__ import annotations


class HoldfastError(Exception):
    """Base: `str(error)` is one sentence for the caller."""


class NotFoundError(HoldfastError):
    pass


class GoneError(HoldfastError):
    pass


class ConflictError(HoldfastError):
    pass


class UnauthorisedError(HoldfastError):
    pass


class ForbiddenError(UnauthorisedError):
    pass
