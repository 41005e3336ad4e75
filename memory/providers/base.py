"""The shapes that every provider has, local or remote, and the errors that remote ones raise.

Errors say whether asking again can help; callers own retry, the circuit breaker and the standard path::

    ProviderError                       permanent?
    ├── ProviderTimeoutError            no    no answer in time
    ├── ProviderUnavailableError        no    refused connection, DNS, HTTP 5xx
    ├── ProviderRateLimitedError        no    HTTP 429; `retry_after_s` where the provider said it
    ├── ProviderBadAnswerError          no    an answer that can't be read: no JSON, wrong shape, wrong dimensions
    ├── ProviderRefusedError            yes   HTTP 4xx: this request is wrong and stays wrong (too long, unknown model)
    └── ProviderCredentialsError        yes   HTTP 401, 402, 403: the key is wrong or has no money; trips at once
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Said:
    """A message as providers see it; `at` is aware UTC, `recalled` marks text that came out of memory."""

    role: str
    content: str
    at: datetime
    name: str = ""
    recalled: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement worth keeping: third person without its subject, importance 0 to 1.

    `span` is where in the message's content it was said, as in `content[span[0]:span[1]]`.
    """

    text: str
    kind: str
    importance: float
    span: tuple[int, int]


class Embedder(Protocol):
    """Makes vectors of texts."""

    @property
    def model(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return shape (len(texts), dimensions), each row of length 1, or all zero for a text without content."""
        ...


class Extractor(Protocol):
    """Finds in one message the facts worth remembering."""

    @property
    def name(self) -> str: ...

    def extract(self, message: Said) -> list[Fact]:
        """Return the facts in the order in which they were said; none for recalled messages."""
        ...


class Summarizer(Protocol):
    """Folds messages into a rolling summary."""

    @property
    def name(self) -> str: ...

    def summarize(self, previous: str, messages: Sequence[Said], *, budget_tokens: int) -> str:
        """Return a summary of `previous` and `messages` of at most `budget_tokens` (as `tokens.estimate` counts)."""
        ...


class ProviderError(Exception):
    """A provider didn't do what it was asked; the subclasses say in which way."""

    permanent: ClassVar[bool] = False


class ProviderTimeoutError(ProviderError):
    """No answer in time."""


class ProviderUnavailableError(ProviderError):
    """Nobody answered, or the provider said that the fault is its own."""


class ProviderRateLimitedError(ProviderError):
    """Asked too often; `retry_after_s` is in seconds, None where the provider didn't say."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ProviderBadAnswerError(ProviderError):
    """An answer came and can't be used."""


class ProviderRefusedError(ProviderError):
    """The request itself is at fault; the same request will fail again."""

    permanent = True


class ProviderCredentialsError(ProviderError):
    """The key is missing, wrong or out of money."""

    permanent = True
