"""A plan as people read it: steps from the outside in, what each costs by itself, and why the costliest one does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from monitoring.formats import number, short, size

DEPTH_LIMIT: Final = 40
STEP_LIMIT: Final = 200
BIG_ROWS: Final = 10_000
CHEAP: Final = 2_000.0  # planner's units: a plan under this is done in some milliseconds
WORK_MEM: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Step:
    """One node of the plan. `own` is its cost without its children's; `share` of the whole plan."""

    depth: int
    name: str
    on: str
    index: str
    condition: str
    rows: float
    width: int
    total: float
    own: float
    share: float
    is_costliest: bool = False

    @property
    def is_whole_scan(self) -> bool:
        return self.name == "Seq Scan"


@dataclass(frozen=True, slots=True)
class Tree:
    steps: list[Step]
    cost: float
    cause: str

    @property
    def costliest(self) -> Step:
        return next(step for step in self.steps if step.is_costliest)


def tree(plan: dict[str, Any], *, sizes: Mapping[str, int], work_mem: int = WORK_MEM) -> Tree:
    """The steps of PostgreSQL's JSON; `sizes` are tables' rows as the statistics know them."""
    found: list[Step] = []
    whole = max(float(plan["Total Cost"]), 0.01)
    _walk(plan, 0, whole, found)
    worst = max(range(len(found)), key=lambda i: found[i].own)
    steps = [replace(step, is_costliest=True) if i == worst else step for i, step in enumerate(found)]
    return Tree(steps, whole, cause(steps, worst, sizes, work_mem))


def cause(steps: list[Step], worst: int, sizes: Mapping[str, int], work_mem: int) -> str:
    """In a sentence why the plan costs what it does."""
    step = steps[worst]
    if step.is_whole_scan and (sizes.get(step.on, 0) >= BIG_ROWS or steps[0].total >= CHEAP):
        return _scan(step, sizes)
    if steps[0].total < CHEAP:
        return (
            "The plan itself is cheap: the time goes into a function, a lock, a busy disk, or values that are far "
            "more frequent than most."
        )
    if "Sort" in step.name and step.rows * step.width > work_mem:
        return (
            f"It sorts {short(step.rows)} rows of {size(step.width)}, more than work_mem ({size(work_mem)}), "
            "so the sort goes to disk."
        )
    if "Sort" in step.name:
        return f"It sorts {short(step.rows)} rows: an index in that order would save the sort."
    if step.name == "Nested Loop":
        outer = next((other for other in steps[worst + 1 :] if other.depth == step.depth + 1), step)
        return f"It looks the inner side up once for each of {short(outer.rows)} rows of the outer side."
    if "Function" in step.name or step.name == "Result":
        return "The time goes into a function, which the planner can't look into."
    if "Index" in step.name and step.rows >= BIG_ROWS:
        return f"It reads {short(step.rows)} rows through {step.index or 'an index'}: the condition keeps too many."
    if "Aggregate" in step.name or "Hash" in step.name:
        return f"It brings {short(step.rows)} rows together in memory ({step.name.lower()})."
    return f"Most of the cost is in the step {step.name.lower()}{f' on {step.on}' if step.on else ''}."


def _scan(step: Step, sizes: Mapping[str, int]) -> str:
    rows = sizes.get(step.on)
    of = f"all {number(rows)} rows" if rows else "every row"
    if not step.condition:
        return f"It reads {of} of {step.on}, since nothing narrows them down."
    return f"It reads {of} of {step.on} to keep about {short(max(step.rows, 1))}: no index serves the condition."


def _walk(plan: dict[str, Any], depth: int, whole: float, found: list[Step]) -> None:
    if depth > DEPTH_LIMIT or len(found) >= STEP_LIMIT:
        return
    children: list[dict[str, Any]] = plan.get("Plans", [])
    total = float(plan["Total Cost"])
    # under a LIMIT a child's whole cost is more than what is spent of it
    own = max(0.0, total - sum(min(float(child["Total Cost"]), total) for child in children))
    names = ("Index Cond", "Hash Cond", "Merge Cond", "Join Filter", "Recheck Cond", "Filter")
    condition = " and ".join(plan[name] for name in names if name in plan)
    keys = ", ".join(plan.get("Sort Key", plan.get("Group Key", [])))
    found.append(
        Step(
            depth=depth,
            name=_name(plan),
            on=plan.get("Relation Name", plan.get("CTE Name", plan.get("Function Name", ""))),
            index=plan.get("Index Name", ""),
            condition=condition or keys,
            rows=float(plan["Plan Rows"]),
            width=int(plan["Plan Width"]),
            total=total,
            own=own,
            share=min(1.0, own / whole),
        )
    )
    for child in children:
        _walk(child, depth + 1, whole, found)


def _name(plan: dict[str, Any]) -> str:
    name: str = plan["Node Type"]
    kind = plan.get("Join Type", "Inner")
    if "Join" in name or name == "Nested Loop":
        return name if kind == "Inner" else f"{name} {kind}"
    return f"{plan['Strategy']} {name}" if plan.get("Strategy") in {"Hashed", "Sorted"} else name
