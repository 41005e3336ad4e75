"""All that can be said about one statement: its plan and the step that costs, the index that is missing, the loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from monitoring.formats import number
from monitoring.models import SlowQuery
from monitoring.queries.advice import catalogue, plans, predicates, proof
from monitoring.queries.advice.catalogue import Table
from monitoring.queries.advice.plans import RefusedError
from monitoring.queries.advice.predicates import Asked, UnreadableError
from monitoring.queries.advice.proof import SMALL_ROWS, Proof
from monitoring.queries.advice.propose import ROWS_LEAST, Proposal, proposals
from monitoring.queries.advice.tree import Tree, tree
from monitoring.queries.read import Repeat

PROVED_LEAST: Final = 0.05  # an index that saves less is not worth its writes


@dataclass(frozen=True, slots=True)
class Missing:
    """An index that is missing, and what is known of what it would save."""

    proposal: Proposal
    proof: Proof | None

    @property
    def is_worth_it(self) -> bool:
        return self.proof is None or (self.proof.is_used and self.proof.saves >= PROVED_LEAST)

    @property
    def may_be_tried(self) -> bool:
        return self.proof is None and self.proposal.rows <= SMALL_ROWS

    @property
    def why_unproven(self) -> str:
        """Why nothing is proven, and what would prove it."""
        if self.may_be_tried:
            return "Unproven: hypopg is not installed. The table is small, so the index can be tried and taken back."
        return (
            "Unproven: hypopg is not installed, and the table is too large to try the index on. "
            "Try it on a copy, or install hypopg."
        )


@dataclass(frozen=True, slots=True)
class Advice:
    """`problem` says why there is no plan; `notes` are what to look at besides an index."""

    tree: Tree | None
    problem: str
    missing: list[Missing]
    notes: list[str]


def advise(query: SlowQuery, repeats: Sequence[Repeat], *, now: datetime) -> Advice:
    """Plans the statement where that is due, and says what would help."""
    query = plans.refresh(query, now=now)
    asked, problem = _asked(query)
    tables = catalogue.tables({each.table for each in asked}) if asked else {}
    found = None if query.plan is None else tree(query.plan, sizes=_sizes(query.plan, tables))
    missing = [_proven(query, each, now) for each in proposals(asked, tables, scanned=_scanned(found))]
    notes = [*_loops(repeats), *([problem] if problem else []), *_notes(asked, tables, has_index=bool(missing))]
    return Advice(found, query.plan_problem, missing, notes)


def proposal_of(query: SlowQuery, name: str) -> Proposal:
    """The proposed index of that name. Raises RefusedError where it is not proposed any more."""
    asked, _ = _asked(query)
    tables = catalogue.tables({each.table for each in asked}) if asked else {}
    for proposal in proposals(asked, tables, scanned=None):
        if proposal.name == name:
            return proposal
    raise RefusedError("This index is not proposed any more: look at the advice again.")


def _asked(query: SlowQuery) -> tuple[list[Asked], str]:
    try:
        return predicates.asked(plans.checked(query.template)), ""
    except RefusedError:
        return [], ""  # which the plan's problem says already
    except UnreadableError as problem:
        return [], str(problem)


def _sizes(plan: dict[str, Any], tables: dict[str, Table]) -> dict[str, int]:
    named = {table.name.rpartition(".")[2].strip('"'): table.rows for table in tables.values()}
    rest = relations(plan) - named.keys()
    return named | (catalogue.sizes(predicates.quoted(name) for name in rest) if rest else {})


def relations(plan: dict[str, Any]) -> set[str]:
    """The tables that a plan touches."""
    found = {plan["Relation Name"]} if "Relation Name" in plan else set()
    return found.union(*(relations(child) for child in plan.get("Plans", [])))


def _scanned(found: Tree | None) -> set[str] | None:
    """The tables that the plan reads as a whole, or sorts: where an index could change something."""
    if found is None:
        return None
    sorts = any("Sort" in step.name for step in found.steps)
    return {step.on for step in found.steps if step.on and (step.is_whole_scan or sorts or step.is_costliest)}


def _proven(query: SlowQuery, proposal: Proposal, now: datetime) -> Missing:
    return Missing(proposal, proof.kept(query, proposal) or proof.ask_hypopg(query, proposal, now=now))


def _loops(repeats: Sequence[Repeat]) -> list[str]:
    return [
        f"{each.route or 'Code outside of requests'} runs it {number(round(each.per_request))} times in one request "
        f"({number(each.most)} at most). Fetch all of it at once: select_related or prefetch_related, or one query "
        "with IN."
        for each in repeats
    ]


def _notes(asked: Sequence[Asked], tables: dict[str, Table], *, has_index: bool) -> list[str]:
    notes = []
    for each in asked:
        table = tables.get(each.table)
        if table is None:
            continue
        if not table.is_analysed:
            notes.append(f"{table.name} was never analysed: run ANALYZE {table.name}; and look again.")
        elif table.rows < ROWS_LEAST and not has_index:
            notes.append(f"{table.name} has {number(table.rows)} rows: an index would not make reading it faster.")
        for expression in each.expressions[:2]:
            notes.append(
                f"It compares {expression}, which an index on the column alone does not serve: index the expression, "
                "or keep the value in a column of its own."
            )
        if each.has_or and not has_index:
            notes.append(f"It narrows {table.name} down by OR: one index can't serve both sides; UNION of two may.")
        partial = [index.name for index in table.indexes if index.condition and set(index.columns) & set(each.equal)]
        if partial:
            notes.append(
                f"{' and '.join(partial)} {'holds' if len(partial) == 1 else 'hold'} only some rows: with certain "
                "values it serves this statement, which a plan without values can't show."
            )
    return list(dict.fromkeys(notes))
