"""The parts of the MCP SDK that the agent uses: imported when there is an agent, since that takes a second."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from memory.providers.base import ProviderBadAnswerError, ProviderError


@dataclass(frozen=True, slots=True)
class Sdk:
    """Classes and functions of `mcp` and of the HTTP client that it uses, and which errors mean what."""

    client: Any
    transport: Any
    http_client: Any
    cache: Callable[[str], Any]
    limited: Callable[[Any, int], Any]
    modern: frozenset[str]
    protocol_error: type[Any]
    connect_errors: tuple[type[Exception], ...]
    timeouts: tuple[type[Exception], ...]
    transport_errors: tuple[type[Exception], ...]
    errors: tuple[type[Exception], ...]


@cache
def sdk() -> Sdk:
    """The SDK, imported once per process."""
    import anyio
    import httpx2
    from mcp import Client, MCPError
    from mcp.client import CacheConfig, InMemoryResponseCacheStore
    from mcp.client.streamable_http import streamable_http_client
    from mcp_types.version import MODERN_PROTOCOL_VERSIONS
    from pydantic import ValidationError

    class Limited(httpx2.AsyncByteStream):
        """An answer's body that ends with an error where it is too large."""

        def __init__(self, inner: Any, left: int) -> None:
            self._inner = inner
            self._left = left

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for part in self._inner:
                self._left -= len(part)
                if self._left < 0:
                    raise ProviderBadAnswerError("the MCP server's answer is too large")
                yield part

        async def aclose(self) -> None:
            await self._inner.aclose()

    gone = (anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream)
    transport_errors = (httpx2.TransportError, OSError, *gone)
    timeouts = (TimeoutError, httpx2.TimeoutException)
    others = (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ValidationError, ValueError, RuntimeError)
    return Sdk(
        client=Client,
        transport=streamable_http_client,
        http_client=httpx2.AsyncClient,
        cache=lambda url: CacheConfig(store=InMemoryResponseCacheStore(), partition="holdfast", target_id=url),
        limited=Limited,
        modern=frozenset(MODERN_PROTOCOL_VERSIONS),
        protocol_error=MCPError,
        connect_errors=(httpx2.ConnectError, httpx2.ConnectTimeout),
        timeouts=timeouts,
        transport_errors=transport_errors,
        errors=(MCPError, ProviderError, ExceptionGroup, *timeouts, *transport_errors, *others),
    )
