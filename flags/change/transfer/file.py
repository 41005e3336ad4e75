"""The file: YAML that says the same of the same rows, read without trusting who wrote it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Final

import yaml

from flags.change.asked.values import FIELDS, as_kept
from flags.errors import InvalidError
from flags.models import Flag, Override

FORM: Final = 1  # of the file; another one would be another number
LARGEST: Final = 2_000_000  # characters
DEEPEST: Final = 12  # a rule's value is 8 deep
FLAGS: Final = 2000
OVERRIDES: Final = "overrides"
FAULTS: Final = 20
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # twenty times as fast, where the wheel has it
Fields = dict[str, Any]


def exported() -> str:
    """All flags as YAML, by name."""
    flags = {name: _for_people(fields) for name, fields in here().items()}
    return str(yaml.safe_dump({"form": FORM, "flags": flags}, sort_keys=False, allow_unicode=True, width=120))


def here() -> dict[str, Fields]:
    """All flags of this installation, as history keeps values, with their overrides."""
    overrides: dict[int, dict[str, bool]] = defaultdict(dict)
    for flag_id, unit, is_on in Override.objects.order_by("unit").values_list("flag_id", "unit", "is_on"):
        overrides[flag_id][unit] = is_on
    return {flag.name: as_kept(flag) | {OVERRIDES: overrides[flag.pk]} for flag in Flag.objects.order_by("name")}


def read(text: str) -> dict[str, Fields]:
    """The flags that `text` names, with the fields that it says of each. Raises InvalidError."""
    found = _parsed(text)
    if not isinstance(found, dict) or found.get("form") != FORM or not isinstance(found.get("flags"), dict):
        raise InvalidError(
            ("file", f"has `form: {FORM}` and `flags:` by name, as `manage.py flags export` writes them")
        )
    if len(found["flags"]) > FLAGS:
        raise InvalidError(("file", f"has at most {FLAGS} flags, got {len(found['flags'])}"))
    faults = [fault for name, fields in found["flags"].items() for fault in _faults(name, fields)]
    if faults:
        raise InvalidError(*faults[:FAULTS])
    return dict(found["flags"])


def _parsed(text: str) -> Any:
    if len(text) > LARGEST:
        raise InvalidError(("file", f"has at most {LARGEST:,} characters, got {len(text):,}"))
    try:
        _check_shape(text)
        return yaml.load(text, _Loader)  # a safe loader, with one more check
    except (yaml.YAMLError, ValueError, OverflowError) as problem:
        said = " ".join(str(problem).split())
        raise InvalidError(("file", f"is no YAML that can be read: {said[:300]}")) from problem


def _check_shape(text: str) -> None:
    """Before anything is built of it: no anchors, which can make a small text huge, and no depth without end."""
    depth = 0
    for event in yaml.parse(text, _Parser):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("it has an alias (*name): write the value out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise ValueError(f"it is nested deeper than {DEEPEST}")


class _Loader(_Parser):  # type: ignore[misc]
    """Refuses a key that comes twice: the first of two flags of one name would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = sorted({key for key in keys if keys.count(key) > 1}) if len(keys) < FLAGS + 1 else []
        if twice:
            raise ValueError(f"{twice[0]!r:.100} is there twice, at line {node.start_mark.line + 1} and below")
        built: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return built


def _faults(name: Any, fields: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(name, str):
        yield f"{name!r:.100}", "is read as no text: put the name in quotes"
    elif not isinstance(fields, Mapping):
        yield name, "has fields by name"
    else:
        for field in fields.keys() - {*FIELDS, OVERRIDES}:
            yield f"{name}.{field!s:.100}", f"is no field of a flag; there are {', '.join((*FIELDS, OVERRIDES))}"
        units = fields.get(OVERRIDES, {})
        if not isinstance(units, Mapping) or not all(
            isinstance(unit, str) and isinstance(is_on, bool) for unit, is_on in units.items()
        ):
            yield f"{name}.{OVERRIDES}", "has true or false by unit; put units that are numbers in quotes"
        elif len(units) > Override.LIMIT:
            yield f"{name}.{OVERRIDES}", f"has at most {Override.LIMIT} units, got {len(units)}"


def _for_people(fields: Fields) -> Fields:
    """A percentage as a number, which needs no quotes."""
    percent = fields["percent"]
    number = None if percent is None else int(percent) if "." not in percent else float(percent)
    return fields | {"percent": number}
