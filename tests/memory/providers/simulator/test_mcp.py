"""The simulated MCP server, asked by the official client."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import anyio
import httpx
import pytest
from mcp import MCPError
from mcp.client import Client
from mcp.types import CallToolResult, TextContent

from memory.providers.simulator import Simulator

MESSAGES = [{"role": "user", "name": "Ana", "content": "I moved to Lisbon in 2019."}]


def call(
    simulator: Simulator, tool: str, arguments: dict[str, Any], mode: Literal["auto", "legacy"] = "auto"
) -> CallToolResult:
    async def called() -> CallToolResult:
        async with Client(simulator.mcp_url, mode=mode) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["summarize"]
            return await client.call_tool(tool, arguments)

    # in a thread of its own: where a browser was driven before, this one has a running loop
    with ThreadPoolExecutor(1) as other:
        return other.submit(anyio.run, called).result()


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_tool_summarizes_with_and_without_a_handshake(
    simulator: Simulator, mode: Literal["auto", "legacy"]
) -> None:
    arguments = {"previous": "Ana: I sold my boat in May.", "messages": MESSAGES, "budget_tokens": 100}
    result = call(simulator, "summarize", arguments, mode)
    assert not result.is_error
    assert text_of(result) == "Ana: I sold my boat in May. I moved to Lisbon in 2019."
    methods = [seen.document.get("method") for seen in simulator.requests]
    assert methods[0] == ("initialize" if mode == "legacy" else "server/discover")


@pytest.mark.parametrize("arguments", [{}, {"messages": 3}, {"messages": MESSAGES, "budget_tokens": 0}])
def test_wrong_arguments_are_the_tools_error(simulator: Simulator, arguments: dict[str, Any]) -> None:
    assert call(simulator, "summarize", arguments).is_error


def test_an_unknown_tool_is_refused(simulator: Simulator) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        call(simulator, "destroy", {})
    assert raised.group_contains(MCPError, match="no tool 'destroy'")


def test_an_unknown_method_is_refused(client: httpx.Client) -> None:
    answer = client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "resources/list"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, -32601)
    assert client.post("/mcp", json={"id": 1}).json()["error"]["code"] == -32600
    assert client.get("/mcp").status_code == 405


def test_its_faults_are_those_of_the_provider(simulator: Simulator, client: httpx.Client) -> None:
    simulator.set(error_rate=1.0)
    assert client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"}).status_code == 500
