"""Why a message did not arrive."""

from __future__ import annotations


class DeliveryError(Exception):
    """`is_permanent` where trying again can't help. Says nothing of a target's secrets."""

    def __init__(self, message: str, *, is_permanent: bool = False, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent
        self.retry_after_s = retry_after_s
