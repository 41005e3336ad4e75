"""Keyset pages: newest first by id, which is also the order of creation."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from ninja import Query

DEFAULT, MOST = 50, 200

Limit = Annotated[int, Query(DEFAULT, ge=1, le=MOST, description="Rows a page.")]
Cursor = Annotated[UUID | None, Query(None, description="`next` of the page before.")]
Row = TypeVar("Row", bound=Model)


def newest_first(rows: QuerySet[Row], *, cursor: UUID | None, limit: int) -> dict[str, Any]:
    """The page after `cursor` as `{"items": rows, "next": cursor or None}`; one row more tells whether there is one."""
    if cursor is not None:
        rows = rows.filter(pk__lt=cursor)
    found = list(rows.order_by("-pk")[: limit + 1])
    return {"items": found[:limit], "next": str(found[limit - 1].pk) if len(found) > limit else None}
