"""Whether the planner would use an index, and what it would save: by hypopg, or on a small table by trying.

hypopg costs nothing, so it is asked whenever it is installed. Trying makes the real index in a transaction that is
rolled back, and keeps writers of the table waiting meanwhile: only on small tables, and only when somebody orders it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from django.db import transaction

from monitoring import audit
from monitoring.models import SlowQuery
from monitoring.queries.advice import plans
from monitoring.queries.advice.plans import RefusedError
from monitoring.queries.advice.propose import Proposal
from monitoring.queries.server.asked import Kept, rows

SMALL_ROWS: Final = 50_000  # a table that an index is tried on
TRY_MS: Final = 2_000
HYPOPG_SQL: Final = "SELECT extversion FROM pg_extension WHERE extname = 'hypopg'"
HYPOPG_KEPT_S: Final = 60.0


_hypopg = Kept(lambda: rows(HYPOPG_SQL), HYPOPG_KEPT_S)


@dataclass(frozen=True, slots=True)
class Proof:
    """The planner's cost of the statement without and with the index."""

    statement: str
    how: str
    before: float
    after: float
    is_used: bool
    at: str
    actor: str = ""

    @property
    def saves(self) -> float:
        """The share of the cost that the index saves."""
        return max(0.0, 1 - self.after / self.before) if self.before else 0.0


def kept(query: SlowQuery, proposal: Proposal) -> Proof | None:
    """The proof of this very index that was found before."""
    said = query.proof or {}
    return Proof(**said) if said.get("statement") == proposal.statement else None


def ask_hypopg(query: SlowQuery, proposal: Proposal, *, now: datetime) -> Proof | None:
    """The proof by hypothetical index; None where hypopg is not installed, or can't tell."""
    if not _hypopg():
        return None
    try:
        statement = plans.checked(query.template)
        with plans.own_connection() as asked:
            before = plans.planned(asked, statement)
            asked.execute(
                "SELECT hypopg_create_index(%s)", [f"CREATE INDEX ON {proposal.definition.split(' ON ', 1)[1]}"]
            )
            after = plans.planned(asked, statement)
    except (psycopg.Error, RefusedError):
        return None
    is_used = any(name.startswith("<") for name in index_names(after.tree))
    return _keep(query, Proof(proposal.statement, "hypopg", before.cost, after.cost, is_used, now.isoformat()))


def try_out(query: SlowQuery, proposal: Proposal, *, actor: str, reason: str, now: datetime) -> Proof:
    """Make the index, look at the plan, and take all of it back. Raises RefusedError where it can't be done safely."""
    if proposal.rows > SMALL_ROWS:
        raise RefusedError(f"The table has more than {SMALL_ROWS:,} rows: making an index would keep writers waiting.")
    statement = plans.checked(query.template)
    try:
        with plans.own_connection(read_only=False) as asked:
            asked.execute(f"SET LOCAL statement_timeout = {TRY_MS}")
            before = plans.planned(asked, statement)
            # the definition is of names that the catalogue has, quoted
            asked.execute(f"CREATE INDEX {proposal.definition}")
            after = plans.planned(asked, statement)
    except psycopg.errors.LockNotAvailable as problem:
        raise RefusedError("The table is being changed: nothing was tried. Try again at a quiet moment.") from problem
    except psycopg.Error as problem:
        raise RefusedError(f"PostgreSQL refused: {(str(problem).splitlines() or ['no reason given'])[0]}.") from problem
    is_used = proposal.name in index_names(after.tree)
    proof = Proof(proposal.statement, "tried", before.cost, after.cost, is_used, now.isoformat(), actor)
    with transaction.atomic():
        _keep(query, proof)
        figures = {"cost": round(before.cost, 1)}, {"cost": round(after.cost, 1), "index": proposal.statement}
        audit.record(
            actor=actor,
            action="queries.prove",
            subject=query.pk,
            before=figures[0],
            after=figures[1],
            reason=reason,
            at=now,
        )
    return proof


def index_names(plan: dict[str, Any]) -> set[str]:
    """The indexes that a plan uses."""
    found = {plan["Index Name"]} if "Index Name" in plan else set()
    return found.union(*(index_names(child) for child in plan.get("Plans", [])))


def _keep(query: SlowQuery, proof: Proof) -> Proof:
    query.proof = asdict(proof)
    query.save(update_fields=["proof"])
    return proof
