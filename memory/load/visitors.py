"""People who drop by while the demonstration runs, so that a rollout has somebody on each side."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from memory.load.records import Turn
from memory.load.replay import Client

VISITORS: Final = 240
KEPT: Final = 12  # messages of a visitor's conversation, which then begins anew: it must not grow for weeks


@dataclass(slots=True)
class Visitors:
    """Each comes in turn, says one thing that somebody says in the set, and has the context asked for."""

    client: Client
    said: Sequence[str]
    sleep: Callable[[float], None] = time.sleep
    number: int = field(default_factory=lambda: random.randrange(VISITORS))

    def meanwhile(self, seconds: float) -> None:
        """One visit, and a rest, in about `seconds`."""
        began = time.monotonic()
        self.visit()
        self.sleep(max(0.0, seconds - (time.monotonic() - began)))

    def visit(self) -> None:
        self.number = (self.number + 1) % VISITORS
        who = {"user_id": f"visitor-{self.number:03}", "external_id": f"visit-{self.number:03}"}
        opened = self.client.call("POST", "conversations", who)
        if opened["length"] >= KEPT:
            self.client.call("DELETE", f"conversations/{opened['id']}")
            opened = self.client.call("POST", "conversations", who)
        content = random.choice(self.said)
        message = {"role": "user", "content": content}
        self.client.call("POST", f"conversations/{opened['id']}/messages", {"messages": [message]})
        ask = {"user_id": who["user_id"], "conversation_id": opened["id"], "query": content}
        self.client.call("POST", "context", ask)


def visitors(client: Client, turns: Sequence[Turn]) -> Visitors:
    return Visitors(client, [turn.message.content for turn in turns if turn.message.role == "user"])
