"""Answers that follow a JSON schema: facts and texts, put where the schema has places for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from memory.providers.base import Fact, Said
from memory.providers.local.extractor import LocalExtractor

MOST_DEPTH: Final = 5
_extractor = LocalExtractor()


def schema_of(response_format: Any) -> Mapping[str, Any] | None:
    """The schema that an answer has to follow; None where any text will do, {} where any JSON object will."""
    if not isinstance(response_format, Mapping) or response_format.get("type") not in {"json_schema", "json_object"}:
        return None
    wrapped = response_format.get("json_schema")
    return _mapping(_mapping(wrapped).get("schema"))


def answer(schema: Mapping[str, Any], message: Said, *, text: Callable[[], str]) -> str:
    """A JSON document: arrays in the schema hold the facts of `message`, strings outside of these hold `text`."""
    found = _extractor.extract(message)
    filled = _filled(schema, _Place(schema, found, message.content, text), depth=0)
    return json.dumps(filled if schema else {"facts": [_plain(fact, message.content) for fact in found]})


@dataclass(frozen=True, slots=True)
class _Place:
    """What a schema's parts are filled from; `fact` is the one whose object is being filled."""

    root: Mapping[str, Any]
    found: list[Fact]
    content: str
    text: Callable[[], str]
    fact: Fact | None = None

    @property
    def definitions(self) -> Mapping[str, Any]:
        return _mapping(self.root.get("$defs", self.root.get("definitions")))


def _filled(schema: Any, place: _Place, *, depth: int, name: str = "") -> Any:
    schema = _resolved(schema, place)
    if depth > MOST_DEPTH:
        return None
    if place.fact is not None and name in (known := _plain(place.fact, place.content)):
        return _allowed(known[name], schema)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind == "object" or "properties" in schema:
        parts = _mapping(schema.get("properties")).items()
        return {key: _filled(part, place, depth=depth + 1, name=key) for key, part in parts}
    if kind == "array":
        return _items(schema, place, depth=depth)
    if kind == "string" and place.fact is None and "enum" not in schema:
        return place.text()
    return _allowed({"string": "", "number": 0.0, "integer": 0, "boolean": False}.get(str(kind)), schema)


def _items(schema: Mapping[str, Any], place: _Place, *, depth: int) -> list[Any]:
    items = _resolved(schema.get("items", {}), place)
    if place.fact is not None:
        return []
    if items.get("type") == "string":
        return [fact.text for fact in place.found]
    return [_filled(items, replace(place, fact=fact), depth=depth + 1) for fact in place.found]


def _resolved(schema: Any, place: _Place) -> Mapping[str, Any]:
    """The schema behind references and unions with null."""
    for _ in range(MOST_DEPTH):
        if not isinstance(schema, Mapping):
            return {}
        if isinstance(name := schema.get("$ref"), str):
            schema = place.definitions.get(name.rpartition("/")[2], {})
        elif isinstance(choices := schema.get("anyOf", schema.get("oneOf")), list) and choices:
            schema = next((one for one in choices if isinstance(one, Mapping) and one.get("type") != "null"), {})
        else:
            return schema
    return {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _allowed(value: Any, schema: Mapping[str, Any]) -> Any:
    choices = schema.get("enum")
    if isinstance(choices, list) and choices and value not in choices:
        return choices[-1]
    return schema.get("const", value)


def _plain(fact: Fact, content: str) -> dict[str, Any]:
    """A fact under all names that a schema may have for its parts."""
    said = content[fact.span[0] : fact.span[1]]
    texts = dict.fromkeys(("text", "fact", "statement", "memory", "content"), fact.text)
    quotes = dict.fromkeys(("quote", "evidence", "source", "said", "verbatim"), said)
    kinds = dict.fromkeys(("kind", "type", "category"), fact.kind)
    places = {"span": list(fact.span), "start": fact.span[0], "end": fact.span[1]}
    return texts | quotes | kinds | places | {"importance": fact.importance, "confidence": fact.importance}
