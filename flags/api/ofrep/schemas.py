"""OFREP's shapes, for the OpenAPI page: what is sent and answered."""

from __future__ import annotations

from typing import Any, Final, Literal

from ninja import Schema

Scalar = bool | int | float | str


class Success(Schema):
    """`enters_at` in the metadata is the least share at which the unit is in; `why` and `by` say what decided."""

    key: str
    value: bool
    variant: Literal["on", "off"]
    reason: Literal["STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED", "UNKNOWN"]
    metadata: dict[str, Scalar]


class Failure(Schema):
    key: str | None = None
    errorCode: Literal["FLAG_NOT_FOUND", "PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "GENERAL"]  # noqa: N815 - the protocol's
    errorDetails: str  # noqa: N815 - the protocol's


class Problem(Schema):
    errorDetails: str  # noqa: N815 - the protocol's


class Bulk(Schema):
    flags: list[Success | Failure]
    metadata: dict[str, Scalar]


BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "context": {
                            "type": "object",
                            "properties": {"targetingKey": {"type": "string", "maxLength": 200}},
                            "additionalProperties": True,
                        }
                    },
                },
                "example": {"context": {"targetingKey": "user-7", "plan": "pro"}},
            }
        },
    }
}
