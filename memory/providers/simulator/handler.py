"""Answers one connection's requests to the simulated provider, with faults that a client can feel."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Final

from memory.providers.simulator.answers import mcp, openai
from memory.providers.simulator.bodies import BodyError, read_body
from memory.providers.simulator.knobs import KnobError
from memory.providers.simulator.traffic import Fault, Seen

if TYPE_CHECKING:
    from memory.providers.simulator.server import Server

IDLE_S: Final = 60
# What a path ends in names the operation: OpenAI's /v1/… and Azure's /openai/deployments/NAME/… alike.
OPERATIONS: Final = {"/embeddings": "embeddings", "/chat/completions": "chat", "/models": "models", "/mcp": "mcp"}
LIMITED: Final = "Rate limit reached: ask again later."
REFUSALS: Final = {
    Fault.WRONG_KEY: (401, openai.problem("The key is wrong.", kind="authentication_error", code="invalid_api_key")),
    Fault.RATE_LIMIT: (429, openai.problem(LIMITED, kind="rate_limit_error", code="rate_limit_exceeded")),
}


class Handler(BaseHTTPRequestHandler):
    """`server` has the knobs, the counts and the key."""

    protocol_version = "HTTP/1.1"
    server_version = "HoldfastSimulator"
    sys_version = ""
    timeout = IDLE_S
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what was asked is counted."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/stats":
            self._answer(200, self.server.traffic.stats())
        elif path == "/knobs":
            self._answer(200, self.server.traffic.stats()["knobs"])
        elif _operation(path) == "models":
            self._serve("models", {}, 0, 0)
        elif _operation(path):
            # of MCP too: it has nothing to say unasked
            self._answer(405, openai.problem("This is for POST.", kind="invalid_request_error"))
        else:
            self._answer(404, openai.problem("There is nothing here.", kind="invalid_request_error"))

    def do_POST(self) -> None:
        path = self.path.partition("?")[0]
        try:
            asked, raw, sent = read_body(self.headers, self.rfile.read)
        except BodyError as problem:
            self.close_connection = True  # the rest of the body is not read
            self._answer(problem.status, openai.problem(str(problem), kind="invalid_request_error"))
            return
        if path == "/knobs":
            self._turn(asked)
        elif operation := _operation(path):
            self._serve(operation, asked, raw, sent)
        else:
            self._answer(404, openai.problem("There is nothing here.", kind="invalid_request_error"))

    def _turn(self, changes: Mapping[str, Any]) -> None:
        try:
            self.server.traffic.turn(changes)
        except KnobError as problem:
            self._answer(422, openai.problem(str(problem), kind="invalid_request_error", parameter=problem.knob))
            return
        self._answer(200, self.server.traffic.stats()["knobs"])

    def _serve(self, operation: str, asked: Mapping[str, Any], raw: int, sent: int) -> None:
        """One request of the provider itself: drawn, noted, delayed, answered or not."""
        traffic = self.server.traffic
        fault, delay_s = traffic.draw()
        if not self._has_key():
            fault = Fault.WRONG_KEY
        traffic.note(Seen(operation, self.path, fault, dict(self.headers.items()), asked, raw, sent))
        if self._waits(delay_s) or fault is Fault.HANG:
            self._waits(traffic.knobs.hang_s)
            self.close_connection = True
        elif fault is Fault.ERROR:
            status = traffic.knobs.error_status
            self._answer(status, openai.problem("The provider fails.", kind="server_error"))
        elif fault in REFUSALS:
            self._answer(*REFUSALS[fault])
        else:
            self._do(operation, asked, fault)

    def _do(self, operation: str, asked: Mapping[str, Any], fault: Fault) -> None:
        model = _deployment(self.path)
        try:
            if operation == "mcp":
                status, document = mcp.answer(asked)
                self._answer(status, document, fault)
            elif operation == "models":
                self._answer(200, openai.models(), fault)
            elif operation == "embeddings":
                answer = openai.embeddings(asked, model=model)
                self.server.traffic.count("embeddings.items", by=len(answer["data"]))
                self._answer(200, answer, fault)
            elif asked.get("stream"):
                self._stream(openai.chat_pieces(asked, model=model), fault)
            else:
                self._answer(200, openai.chat(asked, model=model), fault)
        except openai.RefusedError as problem:
            text = openai.problem(str(problem), kind="invalid_request_error", parameter=problem.parameter)
            self._answer(400, text)

    def _answer(self, status: int, document: Mapping[str, Any] | None, fault: Fault = Fault.NONE) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        if fault is Fault.BAD_JSON:
            body = body[: len(body) // 2]
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
            self.send_header("Retry-After", str(self.server.traffic.knobs.retry_after_s))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if fault is Fault.CUT:
            self.close_connection = True
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def _stream(self, pieces: Iterator[Mapping[str, Any]], fault: Fault) -> None:
        """Server-sent events; a cut or broken stream is so after its third event."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at, piece in enumerate(pieces):
            text = json.dumps(piece)
            is_broken = at == 2 and fault in {Fault.CUT, Fault.BAD_JSON}
            self._event(text[: len(text) // 2] if is_broken else text)
            if (is_broken and fault is Fault.CUT) or self._waits(self.server.traffic.knobs.slow_stream_ms / 1000):
                self.close_connection = True
                return
        self._event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, text: str) -> None:
        line = f"data: {text}\n\n".encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
        self.wfile.flush()

    def _has_key(self) -> bool:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        given = {self.headers.get("api-key"), token if scheme.lower() == "bearer" else None}
        return not self.server.key or self.server.key in given

    def _waits(self, seconds: float) -> bool:
        """Wait; whether the server stops or the client leaves meanwhile, so that nobody is to be answered."""
        end = time.monotonic() + seconds
        readable = select.poll()
        readable.register(self.connection, select.POLLIN)
        if seconds <= 0 or not readable.poll(seconds * 1000):
            return False
        try:
            is_left = self.connection.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            is_left = True
        # else the client has sent its next request already
        return is_left or self.server.stopping.wait(end - time.monotonic())


def _operation(path: str) -> str:
    return next((name for ending, name in OPERATIONS.items() if path.endswith(ending)), "")


def _deployment(path: str) -> str:
    """Azure's way to name the model: in the path."""
    return path.partition("/deployments/")[2].partition("/")[0]
