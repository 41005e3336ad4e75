"""Posts JSON to an endpoint and reads JSON, whole or streamed, within a deadline and a size."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Final

import httpx

from memory.providers.base import ProviderBadAnswerError, ProviderRefusedError
from memory.providers.guard import Deadline
from memory.providers.remote.http.connect import Transport, under
from memory.providers.remote.http.events import event_data
from memory.providers.remote.http.problems import mapped, problem_of
from monitoring.tracing import trace

ANSWER_LIMIT: Final = 16 * 1024 * 1024
PROBLEM_LIMIT: Final = 64 * 1024
CONNECTIONS: Final = 64
IDLE_S: Final = 30.0  # below what load balancers usually allow, so that a kept connection is seldom a dead one
GZIP_LEVEL: Final = 5
NOT_UNPACKED: Final = frozenset({400, 415, 422})  # how a body is refused that the server didn't unpack
UNPACKED: Final = frozenset({"", "identity", "gzip"})  # what we unpack: ask for no more, and take no more


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON object, and the size of the request that it answers: as written, and as sent."""

    document: Mapping[str, Any]
    bytes_raw: int
    bytes_sent: int


class Events:
    """The data of each event of an answer as it comes, to be closed; the deadline may be renewed in between."""

    def __init__(self, response: httpx.Response, bytes_raw: int, bytes_sent: int, deadline: Deadline) -> None:
        self.bytes_raw = bytes_raw
        self.bytes_sent = bytes_sent
        self._response = response
        self._found = event_data(_bounded(response))
        self._deadline = deadline

    def __iter__(self) -> Iterator[str]:
        while True:
            with under(self._deadline), mapped():
                data = next(self._found, None)
            if data is None:
                return
            yield data

    def close(self) -> None:
        self._response.close()


@dataclass(slots=True)
class Site:
    """One endpoint: base address, headers (the key among them), and from which size on its requests are gzipped.

    `gzip_from` None is never. A server that refuses a gzipped body and takes the same one plain gets no more of them.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    gzip_from: int | None = None
    _unpacks: bool | None = field(default=None, init=False)

    def post(self, path: str, body: Mapping[str, Any], deadline: Deadline) -> Answer:
        """The JSON object that answers. Raises ProviderError."""
        with under(deadline), mapped():
            response, raw, sent = self._open(path, body)
            try:
                return Answer(_object(b"".join(_bounded(response))), raw, sent)
            finally:
                response.close()

    def events(self, path: str, body: Mapping[str, Any], deadline: Deadline) -> Events:
        """The events that answer, from when they begin. Raises ProviderError, as does their iteration."""
        with under(deadline), mapped():
            return Events(*self._open(path, body), deadline)

    def _open(self, path: str, body: Mapping[str, Any]) -> tuple[httpx.Response, int, int]:
        """An answer of status 2xx whose body is still to be read, and the request's sizes."""
        # "replace": half a surrogate pair has no bytes, and one bad letter must not cost the whole text
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        packed = self._packed(raw)
        if packed is None:
            return self._send(path, raw), len(raw), len(raw)
        try:
            response = self._send(path, packed, {"Content-Encoding": "gzip"})
        except ProviderRefusedError as problem:
            if self._unpacks or problem.status not in NOT_UNPACKED:
                raise
            response = self._send(path, raw)
            self._unpacks = False
            return response, len(raw), len(raw)
        self._unpacks = True
        return response, len(raw), len(packed)

    def _packed(self, raw: bytes) -> bytes | None:
        if self.gzip_from is None or len(raw) < self.gzip_from or self._unpacks is False:
            return None
        packed = gzip.compress(raw, GZIP_LEVEL, mtime=0)
        return packed if len(packed) < len(raw) else None

    def _send(self, path: str, content: bytes, more: Mapping[str, str] | None = None) -> httpx.Response:
        url = _address(self.url, path, tuple(self.query.items()))
        headers = {**self.headers, "Content-Type": "application/json", **trace.headers(), **(more or {})}
        request = _client().build_request("POST", url, content=content, headers=headers)
        response = _client().send(request, stream=True)
        if response.status_code < 300:
            return response
        try:
            raise problem_of(response.status_code, response.headers, _opening(response))
        finally:
            response.close()


def forget_client() -> None:
    """Closes the connections of this process; the next request makes new ones."""
    if _client.cache_info().currsize:
        _client().close()
    _client.cache_clear()


@cache
def _client() -> httpx.Client:
    """One per process. Proxies of the environment are not used: the address that is checked is the one reached."""
    return httpx.Client(
        transport=Transport(connections=CONNECTIONS, idle_s=IDLE_S),
        headers={"Accept-Encoding": "gzip", "User-Agent": "holdfast"},
        follow_redirects=False,
        trust_env=False,
        timeout=None,  # the deadline's, see `connect`
    )


# a child of fork would write into its parent's connections
os.register_at_fork(after_in_child=_client.cache_clear)


@lru_cache(maxsize=64)
def _address(base: str, path: str, query: tuple[tuple[str, str], ...]) -> httpx.URL:
    url = httpx.URL(base)
    return url.copy_with(path=url.path.rstrip("/") + path).copy_merge_params(dict(query))


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ProviderBadAnswerError("the answer is no JSON") from None
    if not isinstance(document, dict):
        raise ProviderBadAnswerError("the answer is no JSON object")
    return document


def _opening(response: httpx.Response) -> bytes:
    """What a refusal says first, nothing where that can't be read: its status says enough."""
    read = b""
    with suppress(ProviderBadAnswerError):
        for part in _bounded(response):
            read += part
            if len(read) >= PROBLEM_LIMIT:
                break
    return read


def _bounded(response: httpx.Response) -> Iterator[bytes]:
    """The body's parts. Raises ProviderBadAnswerError where they are more than 16 MiB."""
    if response.headers.get("content-encoding", "").lower() not in UNPACKED:
        raise ProviderBadAnswerError("the answer is packed in a way that was not asked for")
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > ANSWER_LIMIT:
            raise ProviderBadAnswerError(f"the answer is larger than {ANSWER_LIMIT} bytes")
        yield part
