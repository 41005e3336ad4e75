"""What a statement asks of each table: the columns that it compares, in the parts of it that all have to hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

RANGES: Final = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)
TABLES: Final = 20  # of one statement


class UnreadableError(Exception):
    """The parser doesn't understand the statement."""


@dataclass(slots=True)
class Asked:
    """Of one table in one part of the statement: columns by what is asked of them, in the order of the text.

    `conditions` are those without values, such as `deleted_at IS NULL`; `expressions` compare more than a column.
    """

    table: str
    equal: list[str] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    has_limit: bool = False
    conditions: dict[str, str] = field(default_factory=dict)
    expressions: list[str] = field(default_factory=list)
    has_or: bool = False


def asked(statement: str) -> list[Asked]:
    """For a statement with `$1` in place of values. Raises UnreadableError."""
    try:
        tree = sqlglot.parse_one(statement, read="postgres")
    except (SqlglotError, RecursionError) as problem:
        raise UnreadableError("The statement can't be read for advice.") from problem
    made_here = {each.alias for each in tree.find_all(exp.CTE)}
    found: list[Asked] = []
    for part in tree.find_all(exp.Select, exp.Update, exp.Delete):
        tables = {name: table for name, table in _tables(part) if table.name not in made_here}
        if tables and len(found) < TABLES:
            found += _Part(part, tables).read()
    return [each for each in found if each.equal or each.joined or each.ranges or each.order or each.expressions]


class _Part:
    """One SELECT, UPDATE or DELETE, with the tables that it names itself."""

    def __init__(self, part: exp.Expr, tables: dict[str, exp.Table]) -> None:
        self.part = part
        self.asked = {name: Asked(_said(table)) for name, table in tables.items()}

    def read(self) -> list[Asked]:
        for term in self._terms():
            self._term(term)
        limit = self.part.args.get("limit")
        order = self.part.args.get("order")
        if order is not None and not self.part.args.get("group"):
            self._order(order, has_limit=limit is not None)
        return list(self.asked.values())

    def _terms(self) -> Iterator[exp.Expr]:
        """What WHERE and the inner joins' ON demand, each of which has to hold."""
        where = self.part.args.get("where")
        holders = [where.this] if where is not None else []
        holders += [join.args["on"] for join in self.part.args.get("joins") or [] if join.args.get("on") is not None]
        for holder in holders:
            plain = holder.unnest()
            yield from (term.unnest() for term in (plain.flatten() if isinstance(plain, exp.And) else [plain]))

    def _term(self, term: exp.Expr) -> None:
        if isinstance(term, exp.EQ):
            self._equal(term.left.unnest(), term.right.unnest())
        elif isinstance(term, exp.In):
            self._in(term)
        elif isinstance(term, RANGES):
            self._range(term)
        elif isinstance(term, exp.Or):
            for owner in self._owners(term):
                owner.has_or = True
        else:
            self._condition(term)

    def _equal(self, left: exp.Expr, right: exp.Expr) -> None:
        sides = [(left, right), (right, left)]
        for column, other in sides:
            owner = self._owner(column)
            if owner is None or self._mentions(other, owner):
                continue
            (owner.joined if any(True for _ in self._owners(other)) else owner.equal).append(column.name)
        if not isinstance(left, exp.Column) and not isinstance(right, exp.Column):
            for owner in self._owners(left, right):
                owner.expressions.append((left if list(self._owners(left)) else right).sql("postgres"))

    def _in(self, term: exp.In) -> None:
        owner = self._owner(term.this)
        if owner is not None:
            (owner.joined if term.args.get("query") is not None else owner.equal).append(term.this.name)

    def _range(self, term: exp.Expr) -> None:
        if isinstance(term, exp.Between):
            sides = [(term.this, [term.args["low"], term.args["high"]])]
        else:
            sides = [(term.this, [term.expression]), (term.expression, [term.this])]
        for column, others in sides:
            owner = self._owner(column.unnest())
            if owner is not None and not any(self._mentions(other, owner) for other in others):
                owner.ranges.append(column.unnest().name)

    def _condition(self, term: exp.Expr) -> None:
        """`a IS NULL`, `NOT a IS NULL`, and a column that is true or false by itself."""
        inner = term.this.unnest() if isinstance(term, exp.Not) else term
        if isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null):
            inner = inner.this
            form = "{} IS NOT NULL" if isinstance(term, exp.Not) else "{} IS NULL"
        else:
            form = "NOT {}" if isinstance(term, exp.Not) else "{}"
        owner = self._owner(inner)
        if owner is not None:
            owner.conditions[inner.name] = form.format(quoted(inner.name))

    def _order(self, order: exp.Expr, *, has_limit: bool) -> None:
        """The leading columns that one table's index can give in order: of one direction."""
        owners, directions = set(), set()
        columns = []
        for each in order.expressions:
            owner = self._owner(each.this)
            owners.add(id(owner))
            directions.add(bool(each.args.get("desc")))
            if owner is None or len(owners) > 1 or len(directions) > 1:
                break
            columns.append((owner, each.this.name))
        for owner, name in columns:
            owner.order.append(name)
            owner.has_limit = has_limit

    def _owner(self, column: exp.Expr) -> Asked | None:
        """Whose column it is, if it is one of a table of this part."""
        if not isinstance(column, exp.Column):
            return None
        if column.table:
            return self.asked.get(column.table)
        return next(iter(self.asked.values())) if len(self.asked) == 1 else None

    def _owners(self, *terms: exp.Expr) -> Iterator[Asked]:
        for term in terms:
            for column in term.find_all(exp.Column):
                if (owner := self._owner(column)) is not None:
                    yield owner

    def _mentions(self, term: exp.Expr, owner: Asked) -> bool:
        return any(other is owner for other in self._owners(term))


def quoted(name: str) -> str:
    """The name as SQL has it: bare where it may be."""
    return name if name.isidentifier() and name.islower() and name not in WORDS else f'"{name}"'


WORDS: Final = {
    "all",
    "check",
    "default",
    "desc",
    "end",
    "from",
    "group",
    "limit",
    "order",
    "select",
    "table",
    "to",
} | {
    "user",
    "when",
    "where",
}


def _tables(part: exp.Expr) -> Iterator[tuple[str, exp.Table]]:
    """The tables that it reads or changes itself, by the names that its columns have."""
    sources = [part.this] if isinstance(part, (exp.Update, exp.Delete)) else []
    for key in ("from_", "from", "using"):
        held = part.args.get(key)
        sources += [held.this] if isinstance(held, exp.From) else held if isinstance(held, list) else []
    sources += [join.this for join in part.args.get("joins") or [] if not join.side]
    for source in sources:
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            yield source.alias_or_name, source
            for join in source.args.get("joins") or []:
                if isinstance(join.this, exp.Table):
                    yield join.this.alias_or_name, join.this


def _said(table: exp.Table) -> str:
    return ".".join(quoted(name) for name in (table.db, table.name) if name)
