"""The database's verdicts: what is wrong, how much, and what to do about it, worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from monitoring.formats import age, duration, number, percent, size
from monitoring.queries.read import Line, Repeat
from monitoring.queries.server import relations
from monitoring.queries.server.statements import Statements
from monitoring.queries.server.statistics import Database

CONNECTIONS_MOST: Final = 0.8
CACHE_LEAST: Final = 0.99  # PgHero's; under it the working set does not fit
TRANSACTION_S: Final = 300
DEAD_SHARE, DEAD_ROWS = 0.2, 10_000
TONES: Final = ("warn", "off", "ok")
ICONS: Final = {"warn": "warn", "ok": "check", "off": "info"}


@dataclass(frozen=True, slots=True)
class Finding:
    """`panel` is the id of the panel that shows more."""

    tone: str
    title: str
    value: str
    text: str
    panel: str = ""

    @property
    def icon(self) -> str:
        return ICONS[self.tone]


def findings(
    lines: Sequence[Line], repeated: Sequence[Repeat], database: Database, statements: Statements, *, slow_ms: int
) -> list[Finding]:
    """Worst first; what is well is said too, since silence could be blindness."""
    found = [
        _slow(lines, slow_ms),
        _repeated(repeated),
        _scans(),
        _indexes(),
        _connections(database),
        _cache(database),
        _transactions(database),
        _vacuum(),
    ]
    if statements.problem:
        found.append(
            Finding("off", "All calls", "not counted", f"{statements.problem} Only slow runs are known.", "all")
        )
    return sorted(found, key=lambda finding: TONES.index(finding.tone))


def _slow(lines: Sequence[Line], slow_ms: int) -> Finding:
    if not lines:
        return Finding("ok", "Slow queries", "none", f"None took longer than {number(slow_ms)} ms.", "slow")
    worst = max(lines, key=lambda line: line.total)
    where = worst.routes[0] if worst.routes and worst.routes[0] else "code outside of requests"
    text = f"{duration(worst.total)} went into the first of them, at {where}: its plan and advice are one click away."
    return Finding("warn", "Slow queries", number(sum(line.count for line in lines)), text, "slow")


def _repeated(repeated: Sequence[Repeat]) -> Finding:
    if not repeated:
        return Finding("ok", "Loops", "none", "No request ran one statement ten times or more.", "loops")
    worst = repeated[0]
    text = (
        f"{worst.route or 'Code outside of requests'} runs one statement {number(round(worst.per_request))} times in "
        "one request: use select_related or prefetch_related, or one query with IN."
    )
    return Finding("warn", "Loops", number(len(repeated)), text, "loops")


def _scans() -> Finding:
    scanned = relations.scanned()
    if not scanned:
        return Finding("ok", "Whole-table reads", "none", "No big table is often read from end to end.", "scans")
    worst = scanned[0]
    text = (
        f"{worst.name} ({number(worst.live)} rows) was read as a whole {number(worst.scans)} times: look for its "
        "statements above and index what they compare."
    )
    return Finding("warn", "Whole-table reads", number(len(scanned)), text, "scans")


def _indexes() -> Finding:
    broken, twice, unused = relations.invalid(), relations.duplicates(), relations.unused()
    if broken:
        text = f"{broken[0].name} was left half made: drop it, and make it again."
        return Finding("warn", "Indexes", f"{number(len(broken))} broken", text, "indexes")
    if twice:
        one = twice[0]
        text = f"{one.by.name} serves all that {one.index.name} does: writes pay for both. Drop the second."
        return Finding("warn", "Indexes", f"{number(len(twice))} needless", text, "indexes")
    if unused:
        together = size(sum(index.size for index in unused))
        text = f"{together} of indexes that no query has used. Watch them for a while before dropping any."
        return Finding("off", "Indexes", f"{number(len(unused))} unused", text, "indexes")
    return Finding("ok", "Indexes", "in use", "None is unused, broken, or made needless by another.", "indexes")


def _connections(database: Database) -> Finding:
    value = f"{number(database.connections)} of {number(database.most_connections)}"
    if database.used >= CONNECTIONS_MOST:
        text = (
            "New ones are refused soon: use fewer processes, a smaller HOLDFAST_DB_POOL, or a pooler such as pgbouncer."
        )
        return Finding("warn", "Connections", value, text, "connections")
    if database.waiting:
        text = f"{number(database.waiting)} wait for a lock that another one holds."
        return Finding("warn", "Connections", value, text, "connections")
    return Finding("ok", "Connections", value, "There is room, and none waits for a lock.", "connections")


def _cache(database: Database) -> Finding:
    if database.cache_hit is None:
        return Finding("off", "Cache", "unknown", "Nothing was read yet.", "database")
    if database.cache_hit < CACHE_LEAST:
        text = "Reads go to the disk: raise shared_buffers, or find the statements that read whole tables."
        return Finding("warn", "Cache", percent(database.cache_hit), text, "database")
    return Finding("ok", "Cache", percent(database.cache_hit), "Reads are served from memory.", "database")


def _transactions(database: Database) -> Finding:
    longest = database.longest_transaction_s
    if longest > TRANSACTION_S:
        text = "It keeps vacuum from removing dead rows: find out who holds it open."
        return Finding("warn", "Longest transaction", age(longest), text, "connections")
    return Finding("ok", "Longest transaction", duration(longest), f"Limit {age(TRANSACTION_S)}.", "connections")


def _vacuum() -> Finding:
    bloated = [table for table in relations.tables() if table.dead >= DEAD_ROWS and table.dead_share >= DEAD_SHARE]
    if not bloated:
        return Finding("ok", "Dead rows", "few", "Vacuum keeps up.", "database")
    worst = max(bloated, key=lambda table: table.dead)
    when = "never vacuumed" if worst.vacuumed is None else f"vacuumed last on {worst.vacuumed:%d %b %H:%M}"
    text = f"{worst.name} has {number(worst.dead)} of them, {when}: run VACUUM (ANALYZE) {worst.name};"
    return Finding("warn", "Dead rows", percent(worst.dead_share), text, "database")
