"""The settings one by one: name, value, default, bounds and what it is for, as people and programs are shown them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from memory.models import Kind
from memory.tuning.stored import flat
from memory.tuning.terms import Terms


@dataclass(frozen=True, slots=True)
class Setting:
    """One value: `sort` is number, whole, kinds (a list) or boosts (a number per kind)."""

    path: str
    value: Any
    default: Any
    sort: str
    least: float | None = None
    most: float | None = None
    description: str = ""

    @property
    def is_changed(self) -> bool:
        return bool(self.value != self.default)

    @property
    def title(self) -> str:
        """The name as people read it."""
        return self.path.partition(".")[2].replace("_", " ").capitalize()

    @property
    def bounds(self) -> str:
        """Such as "0 to 1"."""
        return "" if self.least is None or self.most is None else f"{self.least:g} to {self.most:g}"


def groups(terms: Terms) -> Iterator[tuple[str, str, list[Setting]]]:
    """The settings by group: its name, what it is about, and its settings."""
    values, usual = flat(terms), flat(Terms())
    for name, group in Terms.model_fields.items():
        model: Any = group.annotation
        found = [
            _setting(f"{name}.{each}", field, values[f"{name}.{each}"], usual[f"{name}.{each}"])
            for each, field in model.model_fields.items()
        ]
        yield name, str(model.__doc__), found


def settings(terms: Terms) -> list[Setting]:
    """All of them in their order."""
    return [each for *_, found in groups(terms) for each in found]


def from_texts(given: Mapping[str, str], chosen: Mapping[str, list[str]]) -> dict[str, dict[str, Any]]:
    """Settings as a form sends them: `given` has texts by path, `chosen` the kinds of a list; an empty text leaves one.

    What is no number stays text, which validation refuses with the path.
    """
    found: dict[str, dict[str, Any]] = {}
    for each in settings(Terms()):
        group, _, name = each.path.partition(".")
        of = found.setdefault(group, {})
        if each.sort == "kinds" and each.path in chosen:
            of[name] = chosen[each.path]
        elif each.sort == "boosts":
            boosts = {kind: given.get(f"{each.path}.{kind}", "").strip() for kind in Kind.values}
            of[name] = {kind: _number(text) for kind, text in boosts.items() if text}
        elif text := given.get(each.path, "").strip():
            of[name] = _number(text)
    return {group: values for group, values in found.items() if values}


def _number(text: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "." not in text else number


def _setting(path: str, field: FieldInfo, value: Any, default: Any) -> Setting:
    least = most = None
    for bound in field.metadata:
        if isinstance(bound, Ge | Gt):
            least = getattr(bound, "ge", None) if isinstance(bound, Ge) else getattr(bound, "gt", None)
        elif isinstance(bound, Le):
            most = bound.le
    sort = "kinds" if isinstance(default, list) else "boosts" if isinstance(default, dict) else "number"
    if sort == "number" and field.annotation is int:
        sort = "whole"
    if sort == "boosts":
        least, most = -0.5, 0.5
    return Setting(path, value, default, sort, least, most, field.description or "")  # type: ignore[arg-type]
