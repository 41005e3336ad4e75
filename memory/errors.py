"""What a verb refuses, in words that a caller can act on.

HoldfastError
├── NotFoundError        no such row in the caller's workspace
├── GoneError            it was there, and its text was erased
├── ConflictError        the row changed, or is not in a state that allows this
├── InvalidError         a value that can't be meant, with the field that has it
├── OverloadedError      too much waits already; says when to ask again
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


class InvalidError(HoldfastError):
    """`faults` are pairs of the field's path, such as `payload.first`, and what is wrong with its value."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in faults))
        self.faults = faults


class OverloadedError(HoldfastError):
    """`retry_after_s` is in seconds, at least 1."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnauthorisedError(HoldfastError):
    pass


class ForbiddenError(UnauthorisedError):
    pass
