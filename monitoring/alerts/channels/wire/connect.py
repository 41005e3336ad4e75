"""One POST under one deadline, to no address that is forbidden: looked at when the connection is made."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext
from typing import Any, Final

import httpcore
import httpx
from django.conf import settings

from monitoring.addresses import UnknownHostError, is_private, resolve

TIMEOUT_S: Final = 8.0
TEXT_LIMIT: Final = 2_000  # bytes of an answer that are looked at
SLICE: Final = 65_536
PROBLEMS: Final = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError)


class PrivateAddressError(Exception):
    """The name leads into this network, which HOLDFAST_PRIVATE_WEBHOOKS would allow."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is the beginning of what it said."""

    status: int
    text: str
    retry_after_s: int | None


def allowed(host: str, port: int, *, timeout_s: float) -> list[str]:
    """The addresses of a host. Raises PrivateAddressError, UnknownHostError."""
    found = resolve(host, port, timeout_s=timeout_s)
    if not settings.HOLDFAST_PRIVATE_WEBHOOKS and any(map(is_private, found)):
        raise PrivateAddressError(f"{host} has a private address, which HOLDFAST_PRIVATE_WEBHOOKS forbids")
    return found


def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float = TIMEOUT_S) -> Answer:
    """Posts once, without following redirects. Raises PROBLEMS, PrivateAddressError."""
    backend = _Backend(time.monotonic() + timeout_s)
    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    with (
        httpcore.ConnectionPool(ssl_context=_tls(), max_connections=1, network_backend=backend) as pool,
        pool.stream("POST", url, headers=given, content=body) as answer,
    ):
        text = b""
        for chunk in answer.iter_stream():
            text += chunk
            if len(text) >= TEXT_LIMIT:
                break
        told = {name.lower(): value for name, value in answer.headers}
        after = told.get(b"retry-after", b"").decode("latin-1")
        said = text[:TEXT_LIMIT].decode(errors="replace")
        return Answer(answer.status, said, int(after) if after.isdecimal() and len(after) < 6 else None)


@cache
def _tls() -> SSLContext:
    return httpx.create_ssl_context()


class _Backend(httpcore.NetworkBackend):
    """Connects to one of a host's allowed addresses."""

    def __init__(self, ends: float) -> None:
        self._ends = ends
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
            found = allowed(host, port, timeout_s=self._left_s())
        except UnknownHostError as problem:
            raise httpcore.ConnectError(str(problem)) from None
        for rest in range(len(found), 1, -1):
            try:
                return self._connect(found[-rest], port, self._left_s() / rest)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # the next address has its share of the time
        return self._connect(found[-1], port, self._left_s())

    def _connect(self, address: str, port: int, timeout_s: float) -> httpcore.NetworkStream:
        return _Stream(self._plain.connect_tcp(address, port, timeout_s, socket_options=[]), self)

    def _left_s(self) -> float:
        return left_s(self._ends)

    @property
    def ends(self) -> float:
        return self._ends


def left_s(ends: float) -> float:
    """Seconds until then, more than 0. Raises httpcore.TimeoutException: an answer that drips must end too."""
    left = ends - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("no answer in time")
    return left


class _Stream(httpcore.NetworkStream):
    """A connection whose every step has what is left of the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, backend: _Backend) -> None:
        self._inner = inner
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, left_s(self._backend.ends))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), SLICE):
            self._inner.write(buffer[start : start + SLICE], left_s(self._backend.ends))

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, left_s(self._backend.ends))
        return _Stream(inner, self._backend)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
