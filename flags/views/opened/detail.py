"""One flag in full, composed from its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flags import catalog, plan, snapshot
from flags.models import Flag, Flagset
from flags.plan import View
from flags.plan.terms import policy_of
from flags.snapshot import Receipt
from flags.views.board import guarded, words
from flags.views.board.row import Rights, Row
from flags.views.board.states import STATES
from flags.views.opened import charts, forest, held, stages, tester, trail
from flags.views.opened.forest import Forest
from flags.views.opened.stages import Act, Step
from flags.views.opened.tester import Tester
from flags.views.opened.trail import Step as Change
from monitoring import events
from monitoring.console.charts import Chart
from monitoring.metrics import read

EVENTS: Final = 6  # lines of changes on a small chart
RULES: Final = 20


@dataclass(frozen=True, slots=True)
class Spread:
    """Which processes have the flags as they are."""

    version: int
    have: int
    total: int
    slowest_s: float

    @property
    def is_everywhere(self) -> bool:
        return self.have == self.total


@dataclass(frozen=True, slots=True)
class Opened:
    """What is below an opened flag's line."""

    row: Row
    charts: list[Chart]
    no_arms: str  # why there is nothing to compare
    view: View | None
    steps: list[Step]
    soaked: float
    acts: list[Act]
    forests: list[Forest]
    guard: list[tuple[str, str]]
    spread: Spread | None
    tester: Tester
    trail: list[Change]
    facts: list[tuple[str, str]]
    rules: list[tuple[str, str]]


def opened(row: Row, flagset: Flagset, rights: Rights, unit: str, *, range_name: str, now: datetime) -> Opened:
    standing, flag = row.standing, row.flag
    view = plan.standing(standing.plan, now=now) if standing.plan else None
    drawn, no_arms = _charts(row, range_name, now)
    return Opened(
        row=row,
        charts=drawn,
        no_arms=no_arms,
        view=view,
        steps=stages.steps(view, now=now) if view else [],
        soaked=stages.soaked(view) if view else 0.0,
        acts=stages.acts(flag.name, view),
        forests=_forests(row, view),
        guard=_guard(row, view, flagset, now),
        spread=spread(now),
        tester=tester.tester(flag, standing.share, unit, now=now),
        trail=trail.trail(flag, may_change=not row.refused, now=now),
        facts=facts(flag, now),
        rules=rules(flag),
    )


def _charts(row: Row, range_name: str, now: datetime) -> tuple[list[Chart], str]:
    """Both cohorts, or why there are none: a service's flag has no cohorts, and at 0 and 100 % there is one."""
    name, standing = row.name, row.standing
    span = read.span(range_name, now=now)
    arms = charts.gather(name, span)
    if arms.is_empty:
        return [], guarded.without_control(standing) or "nothing was measured in this range"
    is_held = bool(standing.plan and standing.plan.state == STATES.HELD)
    found = events.find(start=span.start, end=span.end, kind="flag", text=name)
    given: dict[str, Any] = {
        "range_name": range_name,
        "events": list(found[:EVENTS]),
        "spans": held.spans(name, span, is_held=is_held),
    }
    return [charts.latency(name, arms, **given), charts.errors(name, arms, **given)], ""


def _forests(row: Row, view: View | None) -> list[Forest]:
    current = row.standing.plan
    if view is None or current is None:
        return []
    return forest.forests(view.rows, policy_of(current.policy, current.stages.all()))


def _guard(row: Row, view: View | None, flagset: Flagset, now: datetime) -> list[tuple[str, str]]:
    """What is to be known of the guard beside its comparison."""
    current = row.standing.plan
    if view is None or current is None:
        return []
    back = view_back(current.policy, words.share(current.certified_percent))
    said = [
        ("Holds because", ", ".join(view.causes)),
        ("Accepted", ", ".join(view.accepted)),
        ("Rolls back to", f"{back} %" if view.is_open else ""),
        ("Units, exposed / control", f"{view.exposed.units:,} / {view.control.units:,}" if view.looks else ""),
        ("Requests", f"{view.exposed.requests:,} / {view.control.requests:,}" if view.looks else ""),
        ("Looks", f"{view.looks:,}, last {words.moment(view.looked_at, now)}" if view.looked_at else "none yet"),
        ("Guards", "paused: they act on nothing" if flagset.is_guard_paused else ""),
    ]
    return [(what, how) for what, how in said if how]


def view_back(policy: dict[str, Any], certified: str) -> str:
    return certified if policy.get("back_to_certified") else "0"


def spread(now: datetime) -> Spread | None:
    """None where no process reports, as without Redis."""
    receipts: Sequence[Receipt] = snapshot.receipts(now)
    if not receipts:
        return None
    version = max(snapshot.current().version, *(each.version for each in receipts))
    have = [each for each in receipts if each.version == version]
    return Spread(version, len(have), len(receipts), max((each.took_ms or 0.0 for each in have), default=0.0) / 1000)


def facts(flag: Flag, now: datetime) -> list[tuple[str, str]]:
    """Whose it is, what it is for, and until when."""
    entry = catalog.find(flag.name)
    said = [
        ("Owner", flag.owner or "nobody"),
        ("Kind", flag.get_kind_display()),
        ("Draws", words.UNITS[flag.unit][1]),  # type: ignore[index]
        ("Compared by", entry.watches if entry and entry.watches else ""),
        ("Needs", ", ".join(flag.needs)),
        ("Starts", words.moment(flag.starts_at, now) if flag.starts_at else ""),
        ("Ends", words.moment(flag.ends_at, now) if flag.ends_at else ""),
        ("Expires", f"{flag.expires_on:%d %b %Y}" if flag.expires_on else ""),
        ("Version", str(flag.version)),
    ]
    return [(what, how) for what, how in said if how]


def rules(flag: Flag) -> list[tuple[str, str]]:
    """The rules in words, in the order in which they are tried."""
    return [(_fits(each), "on" if each.get("then") else "off") for each in list(flag.rules)[:RULES]]


def _fits(rule: dict[str, Any]) -> str:
    """workspace in t1, t2 and plan starts with pro"""
    parts = [
        f"{one['attribute']} {str(one['operator']).replace('_', ' ')} {', '.join(str(v) for v in one['values'])[:80]}"
        for one in rule.get("if", ())
    ]
    return " and ".join(parts) or "everybody"
