"""The demonstration: a small set of conversations, loaded once, and some of it replayed through the API."""

from __future__ import annotations

import http.client
import json
import random
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from memory.load.read import read
from memory.load.records import Turn

FOLDER = Path(__file__).parent / "demo"
PAUSE_S = 1.5  # between turns, ± half
TIMEOUT_S = 10.0
START_S = 60.0  # that a server may take to start


def turns(*, now: datetime, folder: Path = FOLDER) -> list[Turn]:
    """The set's turns, moved by whole days so that the last was said on the day before `now`."""
    found = [
        turn for file in sorted(folder.glob("*.jsonl")) for turn in read(file, user_id="demo") if isinstance(turn, Turn)
    ]
    last = max(turn.message.said_at for turn in found if turn.message.said_at)
    shift = timedelta(days=(now - last).days)
    return [_moved(turn, shift) for turn in found]


def _moved(turn: Turn, shift: timedelta) -> Turn:
    said_at = turn.message.said_at
    return replace(turn, message=replace(turn.message, said_at=said_at + shift if said_at else None))


@dataclass(slots=True)
class Client:
    """As much of an HTTP client as the replay needs: JSON over one kept connection."""

    url: str
    key: str

    def wait(self, *, timeout_s: float = START_S) -> None:
        """Return when the server accepts connections, or after the timeout: what is wrong then, the calls will say."""
        place = urlsplit(self.url)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                socket.create_connection((place.hostname or "localhost", place.port or 80), timeout=1).close()
                return
            except OSError:
                time.sleep(PAUSE_S / 3)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer's JSON. Raises OSError or http.client.HTTPException when there is none."""
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "localhost", place.port, timeout=TIMEOUT_S)
        try:
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            connection.request(method, f"/api/v1/{path}", json.dumps(body) if body else None, headers)
            answer = connection.getresponse().read()
            return json.loads(answer) if answer else None
        finally:
            connection.close()


def replay(said: Sequence[Turn], *, client: Client, sleep: Callable[[float], None] = time.sleep) -> None:
    """Post one conversation again as a chat application would: a message in, the context out, the answer in.

    It takes the place of its last replay, so that a demonstration that runs for weeks does not grow.
    """
    name = f"replay-{said[0].conversation}"
    opened = client.call("POST", "conversations", {"user_id": said[0].user_id, "external_id": name})
    if opened["length"]:
        client.call("DELETE", f"conversations/{opened['id']}")
        opened = client.call("POST", "conversations", {"user_id": said[0].user_id, "external_id": name})
    for turn in said:
        sleep(PAUSE_S * random.uniform(0.5, 1.5))
        message = {"role": turn.message.role, "content": turn.message.content}
        client.call("POST", f"conversations/{opened['id']}/messages", {"messages": [message]})
        if turn.message.role == "user":
            ask = {"user_id": turn.user_id, "conversation_id": opened["id"], "query": turn.message.content}
            for _ in range(random.randint(1, 4)):
                client.call("POST", "context", ask)


def conversations(said: Sequence[Turn]) -> Iterator[list[Turn]]:
    """The turns by conversation, in a random order."""
    names = list(dict.fromkeys(turn.conversation for turn in said))
    random.shuffle(names)
    for name in names:
        yield [turn for turn in said if turn.conversation == name]
