"""Asks each question by every strategy that can answer it, in turns, and lets the planner choose."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pgvector import HalfVector

from bench.search import data
from bench.search import questions as asking
from bench.search.questions import Question
from bench.search.store import Stored
from memory.search import Found, Strategy, filters, search, strategies
from memory.search.plan.costs import DEPTH, EF_SEARCH, MOST_SCANNED
from memory.tuning import Terms

ROUNDS: Final = 3  # the median of them counts
MEASURED: Final = 14  # users
TERMS: Final = Terms()


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: what each strategy took, what the planner chose and took, in milliseconds."""

    question: Question
    size: int
    ms: dict[Strategy, float]
    chosen: Strategy
    chosen_ms: float
    recall: float | None  # of the index's ten nearest, against the exact ones

    @property
    def times_best(self) -> float:
        """What the choice costs against the best strategy."""
        return self.ms[self.chosen] / min(self.ms.values())


def measure(stored: Stored, *, questions: int) -> list[Asked]:
    return [
        _asked(stored, question, size)
        for number, size in _users(stored.users)
        for question in _questions(stored, number, questions)
    ]


def _users(sizes: list[int]) -> list[tuple[int, int]]:
    """One user of each size that is told apart: all large ones, and some of the others."""
    chosen: dict[int, int] = {}
    for number, size in enumerate(sizes):
        if size in data.FIXED or _rounded(size) not in chosen:
            chosen[_rounded(size)] = number
    return [(number, sizes[number]) for number in list(chosen.values())[:MEASURED]]


def _rounded(size: int) -> int:
    """Down to 1, 2, 3 or 5 and noughts."""
    first, noughts = int(str(size)[0]), len(str(size)) - 1
    return int(str(max(step for step in (1, 2, 3, 5) if step <= first)) + "0" * noughts)


def _questions(stored: Stored, number: int, count: int) -> list[Question]:
    return list(asking.questions(stored.made, stored.workspace_id, f"user-{number}", count))


def _asked(stored: Stored, question: Question, size: int) -> Asked:
    plan = _search(stored, question, explain=True).plan
    assert plan is not None
    offered = [Strategy(name) for name, cost in plan.costs.items() if cost is not None]
    calls: dict[Strategy | None, Callable[[], Found]] = {
        strategy: lambda strategy=strategy: _search(stored, question, strategy=strategy)  # type: ignore[misc]
        for strategy in offered
    }
    calls[None] = lambda: _search(stored, question)
    took: dict[Strategy | None, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            took[name].append((time.perf_counter() - began) * 1000)
    middle = {name: statistics.median(times) for name, times in took.items()}
    ms = {name: middle[name] for name in offered}
    recall = _recall(stored, question) if Strategy.HNSW in ms else None
    return Asked(question, size, ms, plan.strategy, middle[None], recall)


def _search(stored: Stored, question: Question, *, strategy: Strategy | None = None, explain: bool = False) -> Found:
    return search(
        workspace_id=stored.workspace_id,
        user_id=question.user_id,
        query=question.query,
        embedded=question.embedded,
        now=data.NOW,
        limit=10,
        filters=None if question.filter is None else filters.parsed(question.filter),
        terms=TERMS,
        explain=explain,
        strategy=strategy,
    )


def _recall(stored: Stored, question: Question) -> float:
    """Of the ten nearest by the whole scope, those that the index has among its ten."""
    assert question.embedded is not None
    narrowed = filters.NOTHING if question.filter is None else filters.parsed(question.filter)
    scope = strategies.Scope(stored.workspace_id, question.user_id, narrowed, data.NOW)
    vector = HalfVector(question.embedded.rows[0]).to_text()
    asked = strategies.Asked(question.query, vector, question.embedded.model)
    exact = strategies.exact(scope, asked, DEPTH, any_size=True)
    near = strategies.nearest(scope, asked, DEPTH, ef_search=EF_SEARCH, max_scan=MOST_SCANNED)
    assert exact is not None
    wanted = {row.id for row, _ in exact[0].near[:10]}
    given = {row.id for row, _ in near.near[:10]} if near else set()
    return len(wanted & given) / max(1, len(wanted))
