"""A real mail server and a real webhook receiver on loopback, that remember what they got."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass
class Got:
    """One request of a webhook."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Hook:
    """`answers` are the statuses of the next requests; when there are none, 200."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)


@contextmanager
def webhook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.got.append(Got(self.path, dict(self.headers), body))
            self.send_response(hook.answers.pop(0) if hook.answers else 200)
            for name, value in hook.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        hook.url = f"http://127.0.0.1:{port}/alerts?token=hidden"
        yield hook


@dataclass
class Mailbox:
    """`refuses` is the answer to the recipients."""

    url: str = ""
    mails: list[Message] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refuses: str = ""


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    box = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        """As much of RFC 5321 as a client of one mail asks for."""

        def handle(self) -> None:
            to: list[str] = []
            self.say("220 here")
            while line := self.rfile.readline().decode().strip():
                match line.split()[0].upper():
                    case "RCPT":
                        self.say(box.refuses or "250 ok")
                        to.append(line.split("<")[1].rstrip(">"))
                    case "DATA":
                        self.say("354 go on")
                        box.mails.append(message_from_bytes(self.data()))
                        box.recipients.append(to)
                        self.say("250 taken")
                    case "QUIT":
                        self.say("221 bye")
                        return
                    case _:
                        self.say("250 ok")

        def data(self) -> bytes:
            lines = iter(self.rfile.readline, b".\r\n")
            return b"".join(lines)

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        box.url = f"smtp://127.0.0.1:{port}"
        yield box


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
