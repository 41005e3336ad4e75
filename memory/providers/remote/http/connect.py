"""Connections that keep the deadline of the call they serve, and go to no forbidden address."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Final

import httpcore
import httpx
from django.conf import settings

from memory.providers.base import ProviderRefusedError
from memory.providers.guard import Deadline
from monitoring import addresses

SLICE: Final = 65_536  # bytes written under one look at the clock

_deadline: ContextVar[Deadline] = ContextVar("provider_deadline")


@contextmanager
def under(deadline: Deadline) -> Iterator[None]:
    """What this thread reads, writes and connects in here ends with the deadline.

    Timeouts of a client are per read: an endpoint that sends a byte now and then would keep them for ever.
    """
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def allowed(host: str, port: int, *, timeout_s: float) -> list[str]:
    """The addresses of a host. Raises ProviderRefusedError where one is private and that is forbidden.

    Asked when a connection is made, and the connection goes to what was looked at: a name that is public at start
    and private later is found out.
    """
    found = addresses.resolve(host, port, timeout_s=timeout_s)
    if not settings.HOLDFAST_PRIVATE_PROVIDERS and any(map(addresses.is_private, found)):
        raise ProviderRefusedError(f"{host!r} has a private address, which HOLDFAST_PRIVATE_PROVIDERS forbids")
    return found


@cache
def tls() -> ssl.SSLContext:
    """Certificates as usual; loaded once per process, since that takes longer than a call."""
    return httpx.create_ssl_context()


class Transport(httpx.BaseTransport):
    """Carries httpx's requests over our connections; raises httpcore's errors."""

    def __init__(self, *, connections: int, idle_s: float) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls(),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=idle_s,
            network_backend=Backend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        core = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        answer = self._pool.handle_request(core)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    def close(self) -> None:
        self._pool.close()


class Backend(httpcore.NetworkBackend):
    """Connects to one of a host's allowed addresses."""

    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = allowed(host, port, timeout_s=_left_s(httpcore.ConnectTimeout))
        except addresses.UnknownHostError as problem:
            raise httpcore.ConnectError(str(problem)) from None
        for rest in range(len(found), 1, -1):
            # a share of the time for each, since an address that swallows packets must not cost the others theirs
            share_s = _left_s(httpcore.ConnectTimeout) / rest
            try:
                return self._connect(found[-rest], port, share_s)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._connect(found[-1], port, _left_s(httpcore.ConnectTimeout))

    def _connect(self, address: str, port: int, timeout_s: float) -> httpcore.NetworkStream:
        return _Stream(self._plain.connect_tcp(address, port, timeout_s, socket_options=[]))


class _Stream(httpcore.NetworkStream):
    """A connection whose every step has what is left of the deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left_s(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), SLICE):
            self._inner.write(buffer[start : start + SLICE], _left_s(httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left_s = _left_s(httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left_s))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Body(httpx.SyncByteStream):
    """The body of an answer as it comes."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _left_s(problem: type[Exception]) -> float:
    """Seconds left of this thread's deadline, more than 0. Raises `problem` where there are none."""
    left_s = _deadline.get().left_s()
    if left_s <= 0:
        raise problem("the deadline has passed")
    return left_s
