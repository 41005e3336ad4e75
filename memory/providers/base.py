"""The shapes that every provider has, local or remote, and the errors that remote ones raise.

Errors say whether asking again can help; callers own retry, the circuit breaker and the standard path::

    ProviderError                       permanent?
    ├── ProviderTimeoutError            no    no answer in time
    ├── ProviderUnavailableError        no    refused connection, DNS, HTTP 5xx
    │   └── ProviderOpenError           no    not asked at all: its breaker is open for `retry_after_s` more seconds
    ├── ProviderRateLimitedError        no    HTTP 429; `retry_after_s` where the provider said it
    ├── ProviderBadAnswerError          no    an answer that can't be read: no JSON, wrong shape, wrong dimensions
    ├── ProviderRefusedError            yes   HTTP 4xx: this request is wrong and stays wrong (too long, unknown model)
    └── ProviderCredentialsError        yes   HTTP 401, 402, 403: the key is wrong or has no money; trips at once
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

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


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors of texts, shape (n, dimensions), the model that made them, and why it was not the one asked first."""

    rows: NDArray[np.float32]
    model: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Extracted:
    """The facts of one message, who found them, and why it was not the one asked first."""

    facts: list[Fact]
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Summarized:
    """A summary, who made it, and why it was not the one asked first."""

    text: str
    by: str
    reason: str = ""


class Judged(StrEnum):
    """What the newer of two facts is to the older one."""

    SAME = "same"
    RICHER = "richer"  # it says all that the older one says, and more
    POORER = "poorer"  # the older one says all that it says, and more
    CONFLICT = "conflict"  # both can't hold at one time
    APART = "apart"  # two facts


@dataclass(frozen=True, slots=True)
class Judgement:
    """How two facts relate, and why, in a sentence."""

    relation: Judged
    why: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message to a chat model: `role` is system, user, assistant or tool."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What a chat model answered, and what it counted."""

    text: str
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Chat(Protocol):
    """A chat model."""

    @property
    def model(self) -> str: ...

    def complete(
        self,
        turns: Sequence[Turn],
        *,
        max_tokens: int = 1000,
        temperature: float = 0.0,
        schema: dict[str, Any] | None = None,
    ) -> Completion:
        """The whole answer. With a JSON schema (an object), the answer's text is JSON that follows it."""
        ...

    def stream(self, turns: Sequence[Turn], *, max_tokens: int = 1000, temperature: float = 0.0) -> Iterator[str]:
        """The answer in pieces as they come. An error after the first piece is raised from the iterator."""
        ...


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


class Judge(Protocol):
    """Decides how facts relate where rules are not sure."""

    @property
    def name(self) -> str: ...

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Judgement | None]:
        """Return a judgement for each (older, newer) pair, None for one that was left out. Raises ProviderError."""
        ...


class ProviderError(Exception):
    """A provider didn't do what it was asked; the subclasses say in which way."""

    permanent: ClassVar[bool] = False


class ProviderTimeoutError(ProviderError):
    """No answer in time."""


class ProviderUnavailableError(ProviderError):
    """Nobody answered, or the provider said that the fault is its own; `retry_after_s` in seconds where it said it."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ProviderOpenError(ProviderUnavailableError):
    """Nobody was asked, since the provider's breaker is open; `retry_after_s` is how long it stays so, in seconds."""

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message, retry_after_s=retry_after_s)


class ProviderRateLimitedError(ProviderError):
    """Asked too often; `retry_after_s` is in seconds, None where the provider didn't say."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ProviderBadAnswerError(ProviderError):
    """An answer came and can't be used."""


class ProviderRefusedError(ProviderError):
    """The request itself is at fault; the same request will fail again. `status` is the HTTP status, 0 if none."""

    permanent = True

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ProviderCredentialsError(ProviderError):
    """The key is missing, wrong or out of money."""

    permanent = True
