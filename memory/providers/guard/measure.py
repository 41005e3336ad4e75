"""What a provider's calls were and cost, counted under `provider.<name>`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.conf import settings

from memory.providers import prices
from monitoring import metrics

T = TypeVar("T")

PREFIX: Final = "provider."


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """A provider's answer and its figures.

    `items` are the texts or answers that it holds; tokens are as the provider counted them; `bytes_raw` is the size of
    the request's body, `bytes_sent` what went over the wire (smaller where it was compressed).
    """

    value: T
    items: int = 1
    prompt_tokens: int = 0
    completion_tokens: int = 0
    bytes_raw: int = 0
    bytes_sent: int = 0
    model: str = ""


class Measure:
    """The counters of one provider. Every call ends in exactly one of ok, failed, rejected and coalesced."""

    __slots__ = ("_latency", "_names")

    # requests = ok + failed; rejected calls were never sent, coalesced ones shared another's answer
    COUNTERS: Final = (
        *("requests", "ok", "failed", "retried", "limited", "rejected", "coalesced", "batches", "items"),
        *("tokens_in", "tokens_out", "bytes_raw", "bytes_sent", "microdollars", "unpriced"),
    )

    def __init__(self, name: str) -> None:
        self._latency = f"{PREFIX}{name}"
        self._names = {counter: f"{PREFIX}{name}.{counter}" for counter in self.COUNTERS}

    def count(self, counter: str, by: float = 1) -> None:
        if by and settings.HOLDFAST_METRICS:
            metrics.count(self._names[counter], by)

    def failed(self, took_s: float) -> None:
        self.count("requests")
        self.count("failed")
        metrics.observe(self._latency, took_s)

    def ok(self, reply: Reply[Any] | None, took_s: float) -> None:
        """An answer after `took_s` seconds, its retries included; a stream may not know its figures."""
        if not settings.HOLDFAST_METRICS:
            return
        names = self._names
        metrics.observe(self._latency, took_s)
        metrics.count(names["requests"])
        metrics.count(names["ok"])
        if reply is not None:
            self._figures(reply)

    def _figures(self, reply: Reply[Any]) -> None:
        self.count("items", reply.items)
        self.count("batches", reply.items > 1)
        self.count("tokens_in", reply.prompt_tokens)
        self.count("tokens_out", reply.completion_tokens)
        self.count("bytes_raw", reply.bytes_raw)
        self.count("bytes_sent", reply.bytes_sent)
        cost = prices.microdollars(reply.model, reply.prompt_tokens, reply.completion_tokens)
        if cost is None:
            self.count("unpriced", reply.prompt_tokens + reply.completion_tokens)
        else:
            self.count("microdollars", cost)
