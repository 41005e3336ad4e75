"""The JSON shapes of the API: what the shapes of all operations share."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

import orjson
from ninja import Schema
from pydantic import AfterValidator, ConfigDict, StringConstraints

from memory.models import ID_LENGTH

CONTENT_BYTES = 32 * 1024
TEXT_BYTES = 4 * 1024
METADATA_BYTES = 16 * 1024
MESSAGES = 1000


def _storable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain the character U+0000, which PostgreSQL can't store")
    return value


def _at_most(limit: int) -> AfterValidator:
    def check(value: str) -> str:
        if (size := len(value.encode())) > limit:
            raise ValueError(f"must be at most {limit:,} bytes of UTF-8, got {size:,}")
        return value

    return AfterValidator(check)


def _storable_json(value: dict[str, Any]) -> dict[str, Any]:
    try:
        encoded = orjson.dumps(value)
    except TypeError:
        raise ValueError("must be plain JSON with text that is valid UTF-8") from None
    if b"\\u0000" in encoded:
        raise ValueError("must not contain the character U+0000, which PostgreSQL can't store")
    return value


def _small(value: dict[str, Any]) -> dict[str, Any]:
    if (size := len(orjson.dumps(_storable_json(value)))) > METADATA_BYTES:
        raise ValueError(f"must be at most {METADATA_BYTES:,} bytes as JSON, got {size:,}")
    return value


STORABLE = AfterValidator(_storable)
# constraints first: they trim what the checks then see
Id = Annotated[str, StringConstraints(min_length=1, max_length=ID_LENGTH, strip_whitespace=True), STORABLE]
OptionalId = Annotated[str, StringConstraints(max_length=ID_LENGTH, strip_whitespace=True), STORABLE]
Content = Annotated[str, StringConstraints(min_length=1), STORABLE, _at_most(CONTENT_BYTES)]
FactText = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True), STORABLE, _at_most(TEXT_BYTES)]
Query = Annotated[str, StringConstraints(max_length=4000), STORABLE]
Reason = Annotated[str, StringConstraints(max_length=500), STORABLE]
Metadata = Annotated[dict[str, Any], AfterValidator(_small)]
Item = TypeVar("Item")


class Page(Schema, Generic[Item]):
    """A page of a list; `next` is the cursor of the page after it, null on the last one."""

    items: list[Item]
    next: str | None = None


class In(Schema):
    """What a client sends: a field that is not known is an error, not ignored."""

    model_config = ConfigDict(extra="forbid")
