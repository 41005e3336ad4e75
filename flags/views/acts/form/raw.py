"""A flag as the fields of a form, and back: text as people write it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from flags.models import Flag, Kind, Unit
from flags.rollout import WORKSPACE

CHECKS: Final = ("is_locked", "reshuffle")
MOMENTS: Final = ("starts_at", "ends_at")
EDITED: Final = ("note", "owner", "kind", "unit", "expires_on", "needs", *MOMENTS, "is_locked")
NAMES: Final = ("name", "percent", *EDITED, "reshuffle")
MOST: Final = 2000  # characters of one field
MOST_VALUES: Final = 50_000  # of a row's: a condition has up to a hundred values
ROWS: Final = 100  # as many as a flag's rules have conditions
EMPTY_ROWS: Final = 2
AND: Final = "and"
THEN: Final = {"on": True, "off": False}
BLANK: Final = dict.fromkeys(NAMES, "") | {"kind": Kind.RELEASE.value, "unit": Unit.USER.value, "percent": "0"}
OF_TEXT: Final = ("starts_with", "ends_with", "contains")
_TOKEN: Final = re.compile(r'\s*"(?:[^"\\]|\\.)*"\s*(?=,|$)|[^,]+')
_NUMBER: Final = re.compile(r"-?\d{1,16}(\.\d{1,20})?(e[-+]?\d{1,3})?")


@dataclass(frozen=True, slots=True)
class Row:
    """One condition. `then` is on, off, or "and" where the next row is of the same rule."""

    attribute: str = ""
    operator: str = "in"
    values: str = ""
    then: str = "on"

    @property
    def is_empty(self) -> bool:
        return not (self.attribute.strip() or self.values.strip())


@dataclass(frozen=True, slots=True)
class Raw:
    """A form as it is filled in."""

    text: Mapping[str, str]
    rows: tuple[Row, ...] = ()

    @property
    def written(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.is_empty)


def blank(given: Mapping[str, str]) -> Raw:
    """A new flag's form; the address may fill it in."""
    return Raw(BLANK | {name: given[name][:MOST] for name in NAMES if name in given})


def of(flag: Flag) -> Raw:
    """A flag as its form shows it."""
    text = {name: field(name, getattr(flag, name)) for name in EDITED}
    return Raw(BLANK | text | {"name": flag.name, "percent": ""}, rows(flag.rules))


def sent(post: Mapping[str, str]) -> Raw:
    """What was filled in. A box that is not ticked is not sent."""
    text = {name: post.get(name, "")[:MOST].strip() for name in NAMES}
    # a browser writes line breaks as two characters
    text["note"] = text["note"].replace("\r\n", "\n")
    found = []
    for number in range(ROWS):
        if f"r{number}_attribute" not in post:
            break
        part = {name: post.get(f"r{number}_{name}", "")[:MOST_VALUES].strip() for name in Row.__slots__}
        found.append(Row(**part))
    return Raw(text, tuple(found))


def with_room(raw: Raw) -> Raw:
    """Empty rows under those that are filled."""
    room = min(EMPTY_ROWS, ROWS - len(raw.written))
    return replace(raw, rows=raw.written + (Row(),) * room)


def field(name: str, value: Any) -> str:
    """A field's value, of a row or of its history, as the form shows it."""
    if value is None or value is False:
        return ""
    if value is True:
        return "on"
    if name in MOMENTS:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def rows(rules: Any) -> tuple[Row, ...]:
    found = []
    for rule in rules:
        conditions = rule["if"]
        for number, one in enumerate(conditions, 1):
            last = "on" if rule["then"] else "off"
            values = ", ".join(_written(value, one) for value in one["values"])
            found.append(Row(one["attribute"], one["operator"], values, last if number == len(conditions) else AND))
    return tuple(found)


def edit(given: Raw, base: Raw) -> dict[str, Any]:
    """What differs from `base`, as the verbs take it; they say what is wrong with it."""
    found = {name: read(name, given.text[name]) for name in EDITED if given.text[name] != base.text[name]}
    if given.written != base.written:
        found["rules"] = rules(given.written)
    if given.text["reshuffle"]:
        found["salt"] = True
    return found


def read(name: str, text: str) -> Any:
    """One field as the verbs take it, and text that is nothing of the kind as it is."""
    if name == "is_locked":
        return bool(text)
    if name == "needs":
        return [each for each in re.split(r"[\s,]+", text) if each]
    if name in MOMENTS and text:
        return _moment(text)
    return text or (None if name in ("expires_on", *MOMENTS) else "")


def rules(found: tuple[Row, ...]) -> list[dict[str, Any]]:
    """Rows as rules. The last one decides, whatever it says of a next."""
    made: list[dict[str, Any]] = []
    conditions: list[dict[str, Any]] = []
    for number, row in enumerate(found, 1):
        values = [_value(token, row) for token in _TOKEN.findall(row.values) if token.strip()]
        conditions.append({"attribute": row.attribute, "operator": row.operator, "values": values})
        if row.then in THEN or number == len(found):
            made.append({"if": conditions, "then": THEN.get(row.then, True)})
            conditions = []
    return made


def merged(given: Raw, diff: Mapping[str, tuple[Any, Any]]) -> Raw:
    """What somebody else changed and this person did not touch becomes theirs; the rest stays as it was typed."""
    text = dict(given.text)
    for name, (seen, current) in diff.items():
        if name in EDITED and text[name] == field(name, seen):
            text[name] = field(name, current)
    lines = given.rows
    if "rules" in diff and given.written == rows(diff["rules"][0]):
        lines = rows(diff["rules"][1])
    return Raw(text, lines)


def _moment(text: str) -> Any:
    try:
        said = datetime.fromisoformat(text)
        return said if said.tzinfo else timezone.make_aware(said)
    except ValueError:
        return text


def _written(value: Any, condition: Mapping[str, Any]) -> str:
    """A value as the row shows it: in quotes where it would be read as something else."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return str(value)
    row = Row(condition["attribute"], condition["operator"])
    is_plain = value == value.strip() and "," not in value and not value.startswith('"') and _value(value, row) == value
    return value if is_plain and value else json.dumps(value, ensure_ascii=False)


def _value(token: str, row: Row) -> Any:
    """Quotes make text; what looks like a number or like true and false is one, unless only text would fit."""
    said = token.strip()
    if said.startswith('"'):
        try:
            return json.loads(said)
        except ValueError:
            return said
    if row.operator in OF_TEXT or row.attribute == WORKSPACE:
        return said
    if said in ("true", "false"):
        return said == "true"
    if _NUMBER.fullmatch(said):
        return int(said) if said.removeprefix("-").isdigit() else float(said)
    return said
