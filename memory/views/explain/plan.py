"""The plan of a search in words: what was chosen and why, what each strategy would cost, what took how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from memory.search import Plan, Strategy
from monitoring.formats import number

ABOUT: Final = {
    Strategy.EXACT: "reads all of the user's memories",
    Strategy.HNSW: "the nearest by the vector index, and the rarest words",
    Strategy.WORDS: "those with the rarest words",
    Strategy.RECENCY: "the newest, where there is no word to look for",
}
STEPS: Final = {
    "rewrite": "rewrite the question",
    "plan": "plan",
    "exact": "read and compare",
    "hnsw": "ask the vector index",
    "words": "look for words",
    "recency": "read the newest",
    "fuse": "fuse and boost",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure with its share of the greatest; `told` is empty where there is none."""

    name: str
    about: str
    told: str
    value: int  # percent
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """The plan as the page shows it."""

    strategy: str
    why: str
    all: str
    strategies: list[Bar]
    steps: list[Bar]
    facts: list[tuple[str, str]]
    rewrites: list[str]
    terms: list[tuple[str, str]]


def told(plan: Plan) -> Told:
    costs = {Strategy(name): cost for name, cost in plan.costs.items()}
    dearest = max((cost for cost in costs.values() if cost is not None), default=0.0)
    steps = {name: ms for name, ms in plan.ms.items() if name != "all"}
    longest = max(steps.values(), default=0.0)
    return Told(
        strategy=str(plan.strategy),
        why=plan.why,
        all=_ms(plan.ms.get("all", 0.0)),
        strategies=[
            Bar(str(name), ABOUT[name], "" if cost is None else _ms(cost), _share(cost, dearest), name == plan.strategy)
            for name, cost in costs.items()
        ],
        steps=[Bar(STEPS.get(name, name), "", _ms(ms), _share(ms, longest)) for name, ms in steps.items()],
        facts=[
            ("Active memories", number(plan.scope_rows)),
            ("Expected after filters", number(plan.estimated_rows)),
            ("Really left", number(plan.rows)),
            ("Scope", "large: in the vector index" if plan.is_large else "small: read as a whole"),
        ],
        rewrites=list(plan.rewrites),
        terms=[(word, f"{share:.1%}") for word, share in sorted(plan.terms.items(), key=lambda term: term[1])],
    )


def _ms(value: float) -> str:
    return f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"


def _share(value: float | None, most: float) -> int:
    return max(1, round(100 * value / most)) if value and most else 0
