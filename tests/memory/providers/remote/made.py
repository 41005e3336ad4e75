"""An HTTP server that answers by a script, and providers in front of it or of the simulator."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from memory.providers.guard import Guard
from memory.providers.remote.chat import RemoteChat
from memory.providers.remote.embedder import RemoteEmbedder
from memory.providers.remote.endpoint import CHAT, EMBEDDING, Endpoint
from memory.providers.remote.profiles import COMPATIBLE, Profile
from tests.memory.providers.guard.made import make_guard


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: `document` is its JSON, unpacked."""

    path: str
    headers: Mapping[str, str]
    document: dict[str, Any]

    @property
    def is_packed(self) -> bool:
        return self.headers.get("Content-Encoding") == "gzip"


@dataclass(frozen=True, slots=True)
class Says:
    """An answer: `body` bytes as they are, all else as JSON."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def bytes(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Script = Says | Callable[[Asked, BaseHTTPRequestHandler], Says | None]


class Scripted:
    """A server on loopback; answers request n with item n of its script, the last for all further ones.

    A function in the script is given the request and the handler; it returns an answer, or writes itself.
    """

    def __init__(self, *script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script = list(script)
        self.asked: list[Asked] = []
        self.connections = 0
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def setup(self) -> None:
                scripted.connections += 1
                super().setup()

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                scripted.answer(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        raw = gzip.decompress(body) if handler.headers.get("Content-Encoding") == "gzip" else body
        asked = Asked(handler.path, dict(handler.headers.items()), json.loads(raw))
        self.asked.append(asked)
        says: Any = self.script[min(len(self.asked), len(self.script)) - 1]
        if not isinstance(says, Says):
            says = says(asked, handler)
        if says is None:
            handler.close_connection = True
            return
        content = says.bytes()
        handler.send_response(says.status)
        for name, value in {"Content-Length": str(len(content)), **says.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def make_endpoint(url: str, *, what: str = EMBEDDING, profile: Profile = COMPATIBLE, **fields: Any) -> Endpoint:
    defaults: dict[str, Any] = {"what": what, "profile": profile, "url": url, "model": "test-model", "key": "sk-test"}
    return Endpoint(**defaults | fields)


def make_embedder(url: str, *, guard: Guard | None = None, **fields: Any) -> RemoteEmbedder:
    return RemoteEmbedder(make_endpoint(url, **fields), guard or make_guard(attempts=1))


def make_chat(url: str, *, guard: Guard | None = None, **fields: Any) -> RemoteChat:
    return RemoteChat(make_endpoint(url, what=CHAT, **fields), guard or make_guard(attempts=1))


def vectors(count: int, *, size: int = 256) -> Says:
    """An answer with a vector for each of `count` texts: all weight on the dimension of the text's number."""
    rows = [[1.0 if place == number else 0.0 for place in range(size)] for number in range(count)]
    data = [{"index": number, "embedding": row} for number, row in enumerate(rows)]
    return Says(body={"data": data, "model": "test-model", "usage": {"prompt_tokens": 3 * count}})


def said(text: Any, **more: Any) -> Says:
    """A chat model's answer."""
    message = {"role": "assistant", "content": text, **more}
    usage = {"prompt_tokens": 11, "completion_tokens": 7}
    return Says(body={"choices": [{"message": message, "finish_reason": "stop"}], "model": "gpt", "usage": usage})
