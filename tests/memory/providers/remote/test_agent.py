"""The MCP agent, against the simulated server and against one made with the SDK."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import uvicorn
from mcp.server.mcpserver import MCPServer
from pytest_django.fixtures import Settings

from memory.providers.base import (
    ProviderBadAnswerError,
    ProviderCredentialsError,
    ProviderRateLimitedError,
    ProviderRefusedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    Said,
)
from memory.providers.local.tokens import estimate
from memory.providers.remote.agent import McpAgent
from memory.providers.remote.prompted.summarizer import AgentSummarizer
from memory.providers.simulator import Simulator
from tests.memory.providers.guard.made import make_guard
from tests.memory.providers.remote.made import Says, Scripted

SAID = Said("user", "I moved to Lisbon in 2019.", datetime(2026, 11, 12, tzinfo=UTC), name="Ana")
PAYLOAD = {"messages": [{"role": "user", "content": "I moved to Lisbon in 2019."}], "budget_tokens": 100}


def make_agent(url: str, *, tool: str = "summarize", key: str = "", timeout_s: float = 5.0) -> McpAgent:
    return McpAgent(url=url, tool=tool, key=key, guard=make_guard(attempts=1, timeout_s=timeout_s))


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(seed=1) as simulator:
        yield simulator


@contextmanager
def served(server: MCPServer, **options: Any) -> Iterator[str]:
    """The server on a port of loopback, in a thread."""
    config = uvicorn.Config(server.streamable_http_app(**options), port=0, log_level="critical", lifespan="on")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve()), daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/mcp"
    running.should_exit = True
    thread.join(10)


def test_an_agent_summarises(simulator: Simulator) -> None:
    summarizer = AgentSummarizer(make_agent(simulator.mcp_url))
    assert summarizer.name == "mcp:summarize"
    summary = summarizer.summarize("Ana: I sold my boat in May.", [SAID], budget_tokens=100)
    assert summary == "Ana: I sold my boat in May. I moved to Lisbon in 2019."


def test_the_version_and_the_tools_are_asked_for_once(simulator: Simulator) -> None:
    agent = make_agent(simulator.mcp_url)
    for _ in range(3):
        agent.call(PAYLOAD)
    methods = [seen.document["method"] for seen in simulator.requests]
    assert methods == ["server/discover", "tools/list", *["tools/call"] * 3]


def test_the_key_is_sent(simulator: Simulator) -> None:
    make_agent(simulator.mcp_url, key="mcp-key").call(PAYLOAD)
    assert {seen.headers["Authorization"] for seen in simulator.requests} == {"Bearer mcp-key"}


@pytest.mark.parametrize(
    ("knobs", "error"),
    [
        ({"error_rate": 1.0}, ProviderUnavailableError),
        ({"rate_limit_rate": 1.0}, ProviderRateLimitedError),
        ({"wrong_key": True}, ProviderCredentialsError),
        ({"hang_rate": 1.0}, ProviderTimeoutError),
        ({"bad_json_rate": 1.0}, ProviderBadAnswerError),
        ({"cut_rate": 1.0}, ProviderUnavailableError),
    ],
)
def test_each_fault_has_its_error(simulator: Simulator, knobs: dict[str, Any], error: type[Exception]) -> None:
    simulator.set(**knobs)
    with pytest.raises(error) as raised:
        make_agent(simulator.mcp_url, timeout_s=1.0).call(PAYLOAD)
    assert raised.type is error


def test_after_a_fault_the_agent_works_again(simulator: Simulator) -> None:
    agent = make_agent(simulator.mcp_url)
    agent.call(PAYLOAD)
    simulator.set(error_rate=1.0)
    with pytest.raises(ProviderUnavailableError):
        agent.call(PAYLOAD)
    simulator.set(error_rate=0)
    assert agent.call(PAYLOAD)


def test_a_tool_that_fails_and_a_tool_that_is_not_there(simulator: Simulator) -> None:
    with pytest.raises(ProviderBadAnswerError):
        make_agent(simulator.mcp_url).call({"messages": 3})
    with pytest.raises(ProviderRefusedError, match="no tool 'destroy'"):
        make_agent(simulator.mcp_url, tool="destroy").call({})


def test_nobody_at_the_address_is_unavailable() -> None:
    with pytest.raises(ProviderUnavailableError):
        make_agent("http://127.0.0.1:9/mcp").call(PAYLOAD)


def test_an_answer_is_read_up_to_a_limit() -> None:
    large = Says(body=b" " * 3_000_000, headers={"Content-Type": "application/json"})
    with Scripted(large) as server, pytest.raises(ProviderBadAnswerError, match="too large"):
        make_agent(server.url).call(PAYLOAD)


def test_a_private_address_is_refused_where_it_is_forbidden(simulator: Simulator, settings: Settings) -> None:
    settings.HOLDFAST_PRIVATE_PROVIDERS = False
    with pytest.raises(ProviderRefusedError, match="HOLDFAST_PRIVATE_PROVIDERS"):
        make_agent(simulator.mcp_url).call(PAYLOAD)
    assert simulator.requests == []


def test_a_server_by_name_is_reached_whichever_address_it_listens_at(simulator: Simulator) -> None:
    assert make_agent(simulator.mcp_url.replace("127.0.0.1", "localhost")).call(PAYLOAD)


def test_a_long_summary_is_cut_to_the_budget(simulator: Simulator) -> None:
    server = MCPServer("talker")

    @server.tool()
    def talk(text: str) -> str:
        return "This sentence is said again and again. " * 50

    with served(server) as url:
        summary = AgentSummarizer(make_agent(url, tool="talk")).summarize("", [SAID], budget_tokens=40)
    assert summary.endswith("again.")
    assert estimate(summary) <= 40


@pytest.mark.parametrize("options", [{}, {"json_response": True}, {"stateless_http": True}])
def test_a_server_of_the_sdk_gets_the_arguments_that_its_tool_has(options: dict[str, Any]) -> None:
    server = MCPServer("echo")

    @server.tool()
    def echo(text: str) -> str:
        return f"heard: {text}"

    with served(server, **options) as url:
        summarizer = AgentSummarizer(make_agent(url, tool="echo"))
        for _ in range(2):
            assert summarizer.summarize("Before.", [SAID], budget_tokens=100) == (
                "heard: Before.\nAna: I moved to Lisbon in 2019."
            )
