"""What rules and needs may say: known operators, bounded lists, and no flag that needs itself in a circle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final

from flags import catalog
from flags.change.asked.values import Fault, text, yes_or_no
from flags.models import Flag
from flags.rollout import DEPTH
from flags.snapshot import OPERATORS

RULES: Final = 20
CONDITIONS: Final = 5
VALUES: Final = 100
NEEDS: Final = 10
LONGEST: Final = 200  # of an attribute's value
LARGEST: Final = 2**53  # whole numbers beyond are not the same everywhere
OF_TEXT: Final = {"starts_with", "ends_with", "contains"}
OF_ONE_NUMBER: Final = {"at_least", "at_most"}


def rules(value: Any) -> list[dict[str, Any]]:
    """[{"if": [{"attribute", "operator", "values"}], "then": true}], the first that fits decides."""
    return [_rule(each, f"rule {number}") for number, each in enumerate(_list(value, "rules", most=RULES), 1)]


def needs(value: Any, name: str) -> list[str]:
    """The flags that `name` needs: known, at most ten, and none that needs `name` in turn."""
    wanted = _list(value, "needs", most=NEEDS)
    if not all(isinstance(each, str) for each in wanted):
        raise Fault("must be a list of flags' names")
    if len(set(wanted)) < len(wanted):
        raise Fault("names a flag twice")
    if name in wanted:
        raise Fault(f"{name} can't need itself")
    if not wanted:
        return []
    known = {entry.name: [] for entry in catalog.entries()} | dict(Flag.objects.values_list("name", "needs"))  # type: ignore[misc]
    unknown = sorted(set(wanted) - known.keys())
    if unknown:
        raise Fault(f"there is no flag {', '.join(unknown)}: make it first, or look at its spelling")
    _check_chain(known | {name: wanted}, name)
    return wanted


def _check_chain(needed: Mapping[str, Sequence[str]], name: str) -> None:
    """From each flag that needs any, level by level, so that many paths to the same flag cost nothing."""
    for start in [name, *(other for other, needs in needed.items() if needs)]:
        level, seen = {start}, 0
        while level := {each for flag in level for each in needed.get(flag, ())}:
            seen += 1
            if start in level:
                raise Fault(f"{name} would need itself: {_circle(needed, start)}")
            if seen > DEPTH:
                raise Fault(f"the chain of flags that need each other is longer than {DEPTH}")


def _circle(needed: Mapping[str, Sequence[str]], start: str) -> str:
    """The shortest way from `start` back to it, in words."""
    ways = [[start]]
    reached: set[str] = set()
    for way in ways:  # grows while it is read
        for following in needed.get(way[-1], ()):
            if following == start:
                return " needs ".join([*way, start])
            if following not in reached:
                reached.add(following)
                ways.append([*way, following])
    return start


def _rule(value: Any, where: str) -> dict[str, Any]:
    _keys(value, {"if", "then"}, where)
    conditions = _list(value["if"], f"{where}: if", most=CONDITIONS)
    if not conditions:
        raise Fault(f"{where} has no condition: for all units, set the percentage")
    checked = [_condition(each, f"{where}, condition {number}") for number, each in enumerate(conditions, 1)]
    try:
        return {"if": checked, "then": yes_or_no(value["then"])}
    except Fault as fault:
        raise Fault(f"{where}: then {fault}") from None


def _condition(value: Any, where: str) -> dict[str, Any]:
    _keys(value, {"attribute", "operator", "values"}, where)
    operator = value["operator"]
    if not isinstance(operator, str) or operator not in OPERATORS:
        raise Fault(f"{where}: the operator is one of {', '.join(OPERATORS)}, got {operator!r:.40}")
    try:
        attribute = text(value["attribute"], most=100, least=1)
        values = [_value(each) for each in _list(value["values"], "values", most=VALUES)]
    except Fault as fault:
        raise Fault(f"{where}: {fault}") from None
    if not values or not _suits(operator, values):
        raise Fault(f"{where}: {operator} takes {_wanted(operator)}")
    return {"attribute": attribute, "operator": operator, "values": values}


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return text(value, most=LONGEST)
    if isinstance(value, bool) or (isinstance(value, int | float) and isfinite(value) and abs(value) <= LARGEST):
        return value
    raise Fault(f"a value is text, a number or true or false, got {value!r:.40}")


def _suits(operator: str, values: list[Any]) -> bool:
    if operator in OF_TEXT:
        return all(isinstance(each, str) and each for each in values)
    if operator in OF_ONE_NUMBER:
        return len(values) == 1 and isinstance(values[0], int | float) and not isinstance(values[0], bool)
    return operator != "exists" or (len(values) == 1 and isinstance(values[0], bool))


def _wanted(operator: str) -> str:
    if operator in OF_TEXT:
        return "at least one text, none of them empty"
    if operator in OF_ONE_NUMBER:
        return "one number"
    return "true or false" if operator == "exists" else "at least one value"


def _keys(value: Any, wanted: set[str], where: str) -> None:
    if not isinstance(value, Mapping) or set(value) != wanted:
        raise Fault(f"{where} has exactly {', '.join(sorted(wanted))}")


def _list(value: Any, what: str, *, most: int) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise Fault(f"{what} must be a list")
    if len(value) > most:
        raise Fault(f"{what} has at most {most} entries, got {len(value)}")
    return list(value)
