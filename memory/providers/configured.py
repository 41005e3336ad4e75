"""The providers that this installation is configured with: one of each per process."""

from __future__ import annotations

import os
from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from memory.providers.base import Chat, Embedder, Extractor, Judge, Summarizer
from memory.providers.guard import forget_guards, guard_of
from memory.providers.local.embedder import LocalEmbedder
from memory.providers.local.extractor import LocalExtractor
from memory.providers.local.summarizer import LocalSummarizer
from memory.providers.remote.agent import McpAgent
from memory.providers.remote.chat import RemoteChat
from memory.providers.remote.checks import check
from memory.providers.remote.embedder import RemoteEmbedder
from memory.providers.remote.endpoint import CHAT, EMBEDDING, endpoint_of, patient
from memory.providers.remote.http.client import forget_client
from memory.providers.remote.profiles import COMPATIBLE
from memory.providers.remote.prompted.extractor import ChatExtractor
from memory.providers.remote.prompted.judge import ChatJudge
from memory.providers.remote.prompted.summarizer import AgentSummarizer, ChatSummarizer
from memory.providers.standby import Providers, Standby


@cache
def embedder() -> Embedder:
    """Who makes vectors. Raises ImproperlyConfigured, as all here do, where the settings can't be meant."""
    _require()
    endpoint = endpoint_of(EMBEDDING)
    return LocalEmbedder() if endpoint is None else RemoteEmbedder(endpoint, endpoint.guard())


@cache
def chat() -> Chat | None:
    """The chat model, if there is one."""
    _require()
    endpoint = endpoint_of(CHAT)
    return None if endpoint is None else RemoteChat(endpoint, endpoint.guard())


@cache
def agent() -> McpAgent | None:
    """The tool of an MCP server, if there is one."""
    _require()
    if not settings.HOLDFAST_MCP_URL:
        return None
    guard = guard_of(
        "mcp",
        title=f"MCP: {settings.HOLDFAST_MCP_TOOL}",
        policy=patient(COMPATIBLE.policy),
        credential="HOLDFAST_MCP_KEY",
        fallback_text="The local summarizer serves; what it wrote is done again later.",
    )
    tool, key = settings.HOLDFAST_MCP_TOOL, settings.HOLDFAST_MCP_KEY
    return McpAgent(url=settings.HOLDFAST_MCP_URL, tool=tool, key=key, guard=guard)


@cache
def extractor() -> Extractor:
    """Who finds facts."""
    model = chat()
    if settings.HOLDFAST_EXTRACTOR == "chat" and model is not None:
        return ChatExtractor(model)
    return LocalExtractor()


@cache
def summarizer() -> Summarizer:
    """Who summarises."""
    model, tool = chat(), agent()
    if settings.HOLDFAST_SUMMARIZER == "chat" and model is not None:
        return ChatSummarizer(model)
    if settings.HOLDFAST_SUMMARIZER == "mcp" and tool is not None:
        return AgentSummarizer(tool)
    return LocalSummarizer()


@cache
def judge() -> Judge | None:
    """Who decides where rules are not sure, if anybody but a person does: the chat model, where it finds facts too."""
    model = chat()
    wanted = settings.HOLDFAST_JUDGE or settings.HOLDFAST_EXTRACTOR
    return ChatJudge(model) if wanted == "chat" and model is not None else None


@cache
def standby() -> Standby:
    """The configured providers with the local ones behind them."""
    local = Providers(LocalEmbedder(), LocalExtractor(), LocalSummarizer())
    return Standby(first=Providers(embedder(), extractor(), summarizer()), local=local)


def names() -> dict[str, str]:
    """The remote providers in use, by their guards' names (`embedding`, `chat`, `mcp`), and what each is."""
    found: dict[str, str] = {}
    for what in (EMBEDDING, CHAT):
        if endpoint := endpoint_of(what):
            found[what.lower()] = f"{endpoint.profile.title}: {endpoint.model}"
    if settings.HOLDFAST_MCP_URL:
        found["mcp"] = settings.HOLDFAST_MCP_TOOL
    return found


def warm() -> None:
    """Builds all of them and loads the local model; asks nobody outside. For the start of a process."""
    standby().local.embedder.embed(["warm up"])


def reset() -> None:
    """Has the next call read the settings anew, and closes the connections."""
    _forget()
    forget_guards()
    forget_client()


def _forget() -> None:
    for made in (embedder, chat, agent, extractor, summarizer, judge, standby, _require):
        made.cache_clear()


@cache
def _require() -> None:
    """Refuses settings that the system checks refuse, for processes that start without them."""
    if faults := [str(message.msg) for message in check() if message.is_serious()]:
        raise ImproperlyConfigured(" ".join(faults))


# a child of fork has its own guards and locks
os.register_at_fork(after_in_child=_forget)
