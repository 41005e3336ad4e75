"""An MCP server with one tool, `summarize`: streamable HTTP without sessions, each answer one JSON document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from memory.providers.local.summarizer import LocalSummarizer
from memory.providers.simulator.answers import prompts

# https://modelcontextprotocol.io/specification: the revisions with a handshake, and the one whose requests stand alone.
HANDSHAKE_VERSIONS: Final = ("2025-03-26", "2025-06-18", "2025-11-25")
STANDALONE_VERSION: Final = "2026-07-28"
INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32600, -32601, -32602
STATUS: Final = {INVALID_REQUEST: 400, METHOD_NOT_FOUND: 404, INVALID_PARAMS: 400}
ME: Final = {"name": "holdfast-simulator", "version": "1"}
CAPABILITIES: Final = {"tools": {"listChanged": False}}
DEFAULT_BUDGET: Final = 300
MOST_BUDGET: Final = 10_000
MESSAGE: Final = {
    "type": "object",
    "properties": {"role": {"type": "string"}, "content": {"type": "string"}, "name": {"type": "string"}},
    "required": ["role", "content"],
}
TOOL: Final = {
    "name": "summarize",
    "title": "Summarize a conversation",
    "description": "Folds messages into a rolling summary of at most so many tokens.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "previous": {"type": "string", "description": "the summary so far"},
            "messages": {"type": "array", "items": MESSAGE},
            "budget_tokens": {"type": "integer", "minimum": 1, "maximum": MOST_BUDGET},
        },
        "required": ["messages"],
    },
    "annotations": {"readOnlyHint": True, "idempotentHint": True, "openWorldHint": False},
}
_summarizer = LocalSummarizer()


class _RpcError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def answer(asked: Mapping[str, Any]) -> tuple[int, dict[str, Any] | None]:
    """The HTTP status and the JSON-RPC document; a notification gets 202 and no document."""
    if "id" not in asked:
        return 202, None
    try:
        return 200, {"jsonrpc": "2.0", "id": asked["id"], "result": _result(asked)}
    except _RpcError as problem:
        error = {"code": problem.code, "message": str(problem)}
        return STATUS[problem.code], {"jsonrpc": "2.0", "id": asked["id"], "error": error}


def _result(asked: Mapping[str, Any]) -> dict[str, Any]:
    parameters = asked.get("params", {})
    if asked.get("jsonrpc") != "2.0" or not isinstance(parameters, Mapping):
        raise _RpcError(INVALID_REQUEST, "The body must be a JSON-RPC 2.0 request.")
    match asked.get("method"):
        case "initialize":
            return _initialized(parameters)
        case "server/discover":
            found = {"supportedVersions": [*HANDSHAKE_VERSIONS, STANDALONE_VERSION], "capabilities": CAPABILITIES}
            return _kept(found | {"_meta": {"io.modelcontextprotocol/serverInfo": ME}})
        case "ping":
            return {}
        case "tools/list":
            return _kept({"tools": [TOOL]})
        case "tools/call":
            return _called(parameters)
        case method:
            raise _RpcError(METHOD_NOT_FOUND, f"There is no method {method!r}.")


def _initialized(parameters: Mapping[str, Any]) -> dict[str, Any]:
    wanted = parameters.get("protocolVersion")
    version = wanted if wanted in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]
    return {"protocolVersion": version, "capabilities": CAPABILITIES, "serverInfo": ME}


def _kept(result: dict[str, Any]) -> dict[str, Any]:
    """What the newest revision asks of a result that a client may keep; older ones skip it."""
    return result | {"resultType": "complete", "ttlMs": 60_000, "cacheScope": "public"}


def _called(parameters: Mapping[str, Any]) -> dict[str, Any]:
    if parameters.get("name") != TOOL["name"]:
        raise _RpcError(INVALID_PARAMS, f"There is no tool {parameters.get('name')!r}.")
    arguments = parameters.get("arguments", {})
    if not isinstance(arguments, Mapping) or not isinstance(arguments.get("messages"), list):
        return _said("messages must be a list.", is_error=True)
    budget = arguments.get("budget_tokens", DEFAULT_BUDGET)
    if isinstance(budget, bool) or not isinstance(budget, int) or not 1 <= budget <= MOST_BUDGET:
        return _said(f"budget_tokens must be an integer from 1 to {MOST_BUDGET}.", is_error=True)
    told = prompts.conversation([{"role": "user", "content": json.dumps(arguments)}])
    return _said(_summarizer.summarize(told.previous, told.messages, budget_tokens=budget))


def _said(text: str, *, is_error: bool = False) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": is_error, "resultType": "complete"}
