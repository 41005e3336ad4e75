"""Settings as they are stored: only what differs from the defaults, and what to make of them when they are read."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from memory.errors import InvalidError
from memory.tuning.terms import Terms

log = logging.getLogger(__name__)

BY_VALIDATOR: Final = "Value error, "


def parse(given: Mapping[str, Any]) -> Terms:
    """The settings that `given` asks for, with the defaults for all else.

    Raises InvalidError with a fault for each value that can't be meant, by its path, such as `dedupe.same`.
    """
    try:
        return Terms.model_validate(given)
    except ValidationError as refused:
        raise InvalidError(*[(_path(each["loc"]), _told(each)) for each in refused.errors()]) from None


def read(stored: Mapping[str, Any]) -> Terms:
    """The settings as they were stored; one that is no longer allowed, after an upgrade, is as by default."""
    try:
        return Terms.model_validate(stored)
    except ValidationError as refused:
        places = [each["loc"] for each in refused.errors()]
        log.warning("event=settings_left_out paths=%s", ",".join(sorted(map(_path, places))))
    try:
        return Terms.model_validate(_without(stored, places))
    except ValidationError:
        return Terms()  # two that fit alone and not together


def differing(terms: Terms) -> dict[str, Any]:
    """What differs from the defaults, as JSON: group by group, value by value."""
    usual, mine = Terms().model_dump(mode="json"), terms.model_dump(mode="json")
    found = {
        group: {name: value for name, value in values.items() if value != usual[group][name]}
        for group, values in mine.items()
    }
    return {group: values for group, values in found.items() if values}


def flat(terms: Terms) -> dict[str, Any]:
    """Every value by its path, such as `dedupe.same`, as JSON."""
    groups = terms.model_dump(mode="json")
    return {f"{group}.{name}": value for group, values in groups.items() for name, value in values.items()}


def _path(place: Iterable[str | int]) -> str:
    return ".".join(str(step) for step in place) or "terms"


def _told(error: Any) -> str:
    """What is wrong, which value, and what to do."""
    if error["type"] == "extra_forbidden":
        return "is no setting: leave it out, or see the list of settings for its name"
    text = str(error["msg"]).removeprefix(BY_VALIDATOR)
    text = f"{text[0].lower()}{text[1:]}".replace("input should be", "must be")
    given = error["input"]
    return f"{text}, got {given!r}" if isinstance(given, str | int | float) else text


def _without(stored: Mapping[str, Any], places: Iterable[tuple[str | int, ...]]) -> dict[str, Any]:
    """The same without the values at these places: a group's own fault takes the whole group."""
    kept = {group: dict(values) if isinstance(values, Mapping) else values for group, values in stored.items()}
    for place in places:
        group = kept.get(str(place[0])) if place else None
        if len(place) > 1 and isinstance(group, dict):
            group.pop(str(place[1]), None)
        elif place:
            kept.pop(str(place[0]), None)
    return kept
