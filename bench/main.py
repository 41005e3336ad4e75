"""`make bench`: what a request costs, each kind against the bare endpoint of the same run."""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
from collections.abc import Callable

from bench import client, server

ROUNDS, SECONDS = 5, 2.0
FACTS = 200  # memories of the user whose context is asked for
USER = "bench"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=32, help="1 shows how long a request takes alone")
    connections = parser.parse_args().connections
    with server.services():
        key = server.manage("api_key", "create", "bench")
        with server.web() as port:
            kinds = prepare(port, key)
            for make in kinds.values():  # a warm-up that is not counted
                client.run(make, port=port, connections=connections, seconds=1)
            runs: dict[str, list[client.Run]] = {name: [] for name in kinds}
            for _ in range(ROUNDS):
                for name, make in kinds.items():
                    runs[name].append(client.run(make, port=port, connections=connections, seconds=SECONDS))
    report(runs, connections)


def prepare(port: int, key: str) -> dict[str, Callable[[int], bytes]]:
    """The kinds of requests, after giving the user a conversation and memories."""

    def call(method: str, path: str, body: object) -> dict[str, str]:
        sent = client.request(method, f"/api/v1/{path}", key=key, body=json.dumps(body).encode())
        return dict(json.loads(client.once(sent, port=port)))

    id = call("POST", "conversations", {"user_id": USER})["id"]
    own = call("POST", "conversations", {"user_id": "writer"})["id"]
    for number in range(FACTS):
        text = f"Keeps {number} {COLOURS[number % 7]} {THINGS[number % 11]} in room {number * 7}"
        call("POST", "memories", {"user_id": USER, "text": text, "infer": False})
    messages = [{"role": "user", "content": f"Where did I put the {thing}?"} for thing in THINGS]
    call("POST", f"conversations/{id}/messages", {"messages": messages})

    def context(query: str) -> bytes:
        body = json.dumps({"user_id": USER, "conversation_id": id, "query": query}).encode()
        return client.request("POST", "/api/v1/context", key=key, body=body)

    cached, message = context("Where are the boats?"), json.dumps({"messages": messages[:1]}).encode()
    numbers = itertools.count()
    bare, floor = client.request("GET", "/bare/hello"), client.request("GET", "/floor")
    post = client.request("POST", f"/api/v1/conversations/{own}/messages", key=key, body=message)
    return {
        "floor (raw WSGI)": lambda n: floor,
        "bare (ninja + pydantic)": lambda n: bare,
        "context, cached": lambda n: cached,
        # a new question each time is a miss each time
        "context, uncached": lambda n: context(f"Where are the boats, question {next(numbers)}?"),
        "post one message": lambda n: post,
    }


COLOURS = ("red", "blue", "green", "white", "black", "yellow", "brown")
THINGS = ("boats", "lamps", "books", "chairs", "plates", "bikes", "drums", "tents", "maps", "shoes", "coins")


def report(runs: dict[str, list[client.Run]], connections: int) -> None:
    """A row per kind: medians over the rounds, and the ratio to bare and floor, round by round."""
    print(f"{connections} connections, {ROUNDS} interleaved rounds of {SECONDS:g} s, medians; client on the same cores")
    print(f"{'':26}{'requests/s':>11}{'p50 ms':>9}{'p95 ms':>9}{'errors':>8}{'x bare':>9}{'x floor':>9}")
    for name, measured in runs.items():
        rate, p50, p95 = (
            statistics.median(getattr(run, figure) for run in measured) for figure in ("per_second", "p50_ms", "p95_ms")
        )
        to_bare, to_floor = (
            statistics.median(run.per_second / base.per_second for run, base in zip(measured, runs[of], strict=True))
            for of in ("bare (ninja + pydantic)", "floor (raw WSGI)")
        )
        errors = sum(run.errors for run in measured)
        print(f"{name:26}{rate:11,.0f}{p50:9.2f}{p95:9.2f}{errors:8}{to_bare:9.2f}{to_floor:9.3f}")


if __name__ == "__main__":
    main()
