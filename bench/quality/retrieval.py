"""`python -m bench.quality.retrieval`: which of the turns that hold an answer `messages/search` finds, over HTTP.

LoCoMo's conversations (development part) are posted, processed by the workers, and asked each of their questions.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench import client, server
from bench.jobs import workers
from bench.quality import talks
from bench.quality.talks import CATEGORIES, Question, Talk

PATIENCE_S: Final = 300
WAYS: Final[dict[str, Callable[[Talk], Talk]]] = {
    "names and dates": lambda talk: talk,
    "roles only, no names": talks.nameless,
    "no dates": talks.undated,
    "all talks of one user": talks.together,
}
# ../shared/reference/quality.md: R@5, R@10, R@20, hit@10, MRR on the held-out part, and R@10 on this one
BASELINES: Final = (
    ("wordllama vectors alone", 27.0, 32.9, 41.3, 37.0, 21.8, 21.6),
    ("mem0 2.2.1 with wordllama, as installed offline", 27.0, 32.9, 41.3, None, 21.1, None),
    ("mem0 2.2.1 at its best (hybrid, MiniLM, date and speaker in the text)", 53.5, 61.2, 66.9, None, 46.3, None),
    ("BM25 with speaker and date", 55.6, 62.9, 69.0, 70.3, 48.1, 64.7),
    ("reciprocal rank fusion of BM25 and wordllama", 47.5, 56.0, 64.5, 63.5, 40.3, 55.6),
    ("best prototype with wordllama", 72.7, 81.0, 86.2, 88.2, 63.3, 82.4),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the external ids that were found, best first, and the milliseconds that it took."""

    talk: str
    question: Question
    found: Sequence[str]
    took_ms: float

    def recall(self, depth: int) -> float:
        return len(self.question.evidence.intersection(self.found[:depth])) / len(self.question.evidence)

    @property
    def reciprocal(self) -> float:
        ranks = [rank for rank, id in enumerate(self.found, start=1) if id in self.question.evidence]
        return 1 / ranks[0] if ranks else 0.0


class Api:
    """The product's HTTP API with a key of a workspace."""

    def __init__(self, port: int, key: str) -> None:
        self._port, self._key = port, key

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        encoded = b"" if body is None else json.dumps(body).encode()
        sent = client.request(method, f"/api/v1/{path}", key=self._key, body=encoded)
        return dict(json.loads(client.once(sent, port=self._port)))

    def tell(self, talk: Talk) -> None:
        """Post a talk, and wait until it can be searched."""
        id = self.call("POST", "conversations", {"user_id": talk.user_id, "external_id": talk.name})["id"]
        posted = self.call("POST", f"conversations/{id}/messages", {"messages": talk.messages})
        deadline = time.monotonic() + PATIENCE_S
        while (state := self.call("GET", f"jobs/{posted['job_id']}")["state"]) != "succeeded":
            if state == "dead" or time.monotonic() > deadline:
                raise RuntimeError(f"The job of {talk.name} is {state}.")
            time.sleep(0.2)

    def ask(self, talk: Talk, question: Question) -> Asked:
        start = time.perf_counter()
        body = {"user_id": talk.user_id, "query": question.text, "limit": 20}
        items = self.call("POST", "messages/search", body)["items"]
        took_ms = (time.perf_counter() - start) * 1000
        return Asked(talk.name, question, [item["external_id"] for item in items], took_ms)


def measure(ways: Sequence[str]) -> Iterator[tuple[str, list[Asked]]]:
    """All questions of all talks, told in each of these ways to users of its own."""
    with server.services(), server.web() as port, workers():
        api = Api(port, server.manage("api_key", "create", "quality"))
        for way in ways:
            told = [talks.told_to(WAYS[way](talk), way) for talk in talks.talks()]
            for talk in told:
                api.tell(talk)
            yield way, [api.ask(talk, question) for talk in told for question in talk.questions]


def figures(asked: Sequence[Asked]) -> tuple[float, ...]:
    """Recall at 5, 10 and 20, hits among 10, and the mean reciprocal rank, in percent."""
    shares = [[one.recall(depth) for one in asked] for depth in (5, 10, 20)]
    shares += [[float(one.recall(10) > 0) for one in asked], [one.reciprocal for one in asked]]
    return tuple(100 * statistics.fmean(share) for share in shares)


def report() -> Iterator[str]:
    """Markdown: the figures beside those of the reference, by category and conversation, and in other ways told."""
    measured = dict(measure(list(WAYS)))
    asked = measured["names and dates"]
    yield "| ranker | R@5 | R@10 | R@20 | hit@10 | MRR | R@10 here |"
    yield "|---|---|---|---|---|---|---|"
    for name, *values in BASELINES:
        yield f"| {name}, other conversations | {' | '.join('' if v is None else f'{v:.1f}' for v in values)} |"
    yield f"| **`messages/search`, these conversations** | {_cells(figures(asked))} | {figures(asked)[1]:.1f} |"
    yield ""
    yield "| by | questions | R@5 | R@10 | R@20 | hit@10 | MRR |"
    yield "|---|---|---|---|---|---|---|"
    for category, name in CATEGORIES.items():
        yield _line(name, [one for one in asked if one.question.category == category])
    for talk in dict.fromkeys(one.talk for one in asked):
        yield _line(f"conversation {talk}", [one for one in asked if one.talk == talk])
    for way, answers in measured.items():
        yield _line(way, answers)
    took = sorted(one.took_ms for one in asked)
    yield f"\nOne search over HTTP: p50 {took[len(took) // 2]:.0f} ms, p95 {took[int(len(took) * 0.95)]:.0f} ms."


def _line(name: str, asked: Sequence[Asked]) -> str:
    return f"| {name} | {len(asked)} | {_cells(figures(asked))} |"


def _cells(values: Sequence[float]) -> str:
    return " | ".join(f"{value:.1f}" for value in values)


def main(arguments: Sequence[str] | None = None) -> None:
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    if not talks.FILE.exists():
        print(f"{talks.FILE.name} was not found beside the checkout, in ../shared/data: nothing to measure.")
        return
    for line in report():
        print(line, flush=True)


if __name__ == "__main__":
    main()
