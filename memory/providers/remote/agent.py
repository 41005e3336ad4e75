"""An agent behind the Model Context Protocol: one tool of one server, called over streamable HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import anyio

from memory.providers.base import (
    ProviderBadAnswerError,
    ProviderError,
    ProviderRefusedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from memory.providers.guard import Deadline, Guard, Reply
from memory.providers.remote.http.connect import allowed, tls
from memory.providers.remote.http.problems import problem_of
from memory.providers.remote.sdk import Sdk, sdk
from monitoring.addresses import UnknownHostError
from monitoring.tracing import trace

T = TypeVar("T")

ANSWER_LIMIT: Final = 1024 * 1024
TOOL_PAGES: Final = 20
AUTO: Final = "auto"
LEGACY: Final = "legacy"
# JSON-RPC 2.0 §5.1 and MCP's own: what the request is at fault for, and what the connection is
REFUSED: Final = frozenset({-32600, -32601, -32602})
TIMED_OUT: Final = -32001
NOT_PARSED: Final = -32700


@dataclass(slots=True)
class _Heard:
    """What the protocol's own errors don't tell: status and headers of the last answer on the connection."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


class McpAgent:
    """Calls the tool `tool` of the server at `url`.

    Each call has a connection of its own, since the SDK's event loop doesn't outlive a call here; what the first one
    learns is remembered: the protocol's version, and the list of tools for as long as the server allows.
    """

    def __init__(self, *, url: str, tool: str, key: str, guard: Guard) -> None:
        self.tool = tool
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._guard = guard
        self._mode = AUTO
        self._sdk: Sdk = sdk()
        self._cache = self._sdk.cache(url)

    def call(self, arguments: Mapping[str, Any]) -> str:
        """The tool's answer as text. Of the arguments it is given those that its input schema names.

        Raises ProviderError.
        """
        return self._guard.call(lambda deadline: self._ask(arguments, deadline), operation="call")

    def _ask(self, arguments: Mapping[str, Any], deadline: Deadline) -> Reply[str]:
        """Tries the server's addresses one after the other until somebody is there."""
        address = urlsplit(self._url)
        port = address.port or (443 if address.scheme == "https" else 80)
        try:
            found = allowed(address.hostname or "", port, timeout_s=deadline.left_s())
        except UnknownHostError as problem:
            raise ProviderUnavailableError(str(problem)) from None
        for rest in range(len(found), 1, -1):
            try:
                return self._ask_at(found[-rest], arguments, deadline.left_s() / rest)
            except _NobodyThereError:
                continue
        return self._ask_at(found[-1], arguments, deadline.left_s())

    def _ask_at(self, ip: str, arguments: Mapping[str, Any], timeout_s: float) -> Reply[str]:
        heard = _Heard()
        try:
            # read here: the event loop may run in another thread
            headers = self._headers | trace.headers()
            return Reply(_run(partial(self._talk, ip, arguments, timeout_s, heard, headers)))
        except self._sdk.errors as problem:
            first = _first(problem)
            if not isinstance(first, self._sdk.errors):
                raise first from None  # a time limit of the caller's, not an error of the server's
            self._mode = AUTO  # the server may be another one by now
            raise self._error(first, heard) from None

    async def _talk(
        self, ip: str, arguments: Mapping[str, Any], timeout_s: float, heard: _Heard, headers: Mapping[str, str]
    ) -> str:
        async def to_address(request: Any) -> None:
            # the address that was looked at is the one that is reached; name and certificate stay the host's
            request.extensions["sni_hostname"] = request.url.host
            request.url = request.url.copy_with(host=ip)

        async def note(response: Any) -> None:
            heard.status, heard.headers = response.status_code, response.headers
            response.stream = self._sdk.limited(response.stream, ANSWER_LIMIT)

        with anyio.fail_after(timeout_s):
            async with self._sdk.http_client(
                headers=headers,
                event_hooks={"request": [to_address], "response": [note]},
                timeout=timeout_s,
                trust_env=False,
                verify=tls(),
            ) as http:
                transport = self._sdk.transport(self._url, http_client=http, max_sse_event_size=ANSWER_LIMIT)
                async with self._sdk.client(transport, mode=self._mode, cache=self._cache) as client:
                    return await self._in_session(client, arguments)

    async def _in_session(self, client: Any, arguments: Mapping[str, Any]) -> str:
        parameters = await self._parameters_of(client)
        given = {name: value for name, value in arguments.items() if name in parameters} or dict(arguments)
        answer = _text(await client.call_tool(self.tool, given))
        self._mode = client.protocol_version if client.protocol_version in self._sdk.modern else LEGACY
        return answer

    async def _parameters_of(self, client: Any) -> frozenset[str]:
        """The names in the tool's input schema. Raises ProviderRefusedError for a server without this tool."""
        cursor: str | None = None
        for _ in range(TOOL_PAGES):
            page = await client.list_tools(cursor=cursor)
            for tool in page.tools:
                if tool.name == self.tool:
                    properties = tool.input_schema.get("properties")
                    return frozenset(properties if isinstance(properties, dict) else ())
            cursor = page.next_cursor
            if not cursor:
                break
        raise ProviderRefusedError(f"the MCP server has no tool {self.tool!r}")

    def _error(self, problem: BaseException, heard: _Heard) -> ProviderError:
        """What went wrong, by the connection's last status before the protocol's own words."""
        if isinstance(problem, ProviderError):
            return problem
        if isinstance(problem, self._sdk.connect_errors):
            return _NobodyThereError(f"the connection failed ({type(problem).__name__})")
        if isinstance(problem, self._sdk.timeouts):
            return ProviderTimeoutError("the MCP server did not answer in time")
        if heard.status >= 300:
            return problem_of(heard.status, heard.headers)
        if isinstance(problem, self._sdk.protocol_error):
            return _error_of_code(problem.code)
        if isinstance(problem, self._sdk.transport_errors):
            return ProviderUnavailableError(f"the connection failed ({type(problem).__name__})")
        return ProviderBadAnswerError(f"the MCP server's answer can't be used ({type(problem).__name__})")


class _NobodyThereError(ProviderUnavailableError):
    """No connection: another address of the host may have one."""


def _error_of_code(code: int) -> ProviderError:
    words = f"the MCP server answered with error {code}"
    if code in REFUSED:
        return ProviderRefusedError(words)
    if code == TIMED_OUT:
        return ProviderTimeoutError(words)
    return ProviderBadAnswerError(words) if code == NOT_PARSED else ProviderUnavailableError(words)


def _first(problem: BaseException) -> BaseException:
    """The first error of a group's groups: task groups wrap what happens in them."""
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    return problem


def _text(result: Any) -> str:
    """The text of a tool's answer; of a structured one that says no text, its one string."""
    if result.is_error:
        raise ProviderBadAnswerError("the MCP server's tool failed")
    text = "\n".join(part.text for part in result.content if part.type == "text").strip()
    if not text:
        raise ProviderBadAnswerError("the MCP server's tool answered without a text")
    return text


def _run(talk: Callable[[], Awaitable[T]]) -> T:
    """The outcome of a coroutine, whether or not this thread runs an event loop already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return anyio.run(talk)
    with ThreadPoolExecutor(1) as other:
        return other.submit(anyio.run, talk).result()
