"""What the alerts' operations share: who asks, pages by key, and refusals that name the field."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from ninja import Query
from ninja.errors import ValidationError

from monitoring.alerts import RefusedError

Limit = Annotated[int, Query(50, ge=1, le=200, description="Rows a page.")]
Cursor = Annotated[UUID | None, Query(None, description="`next` of the page before.")]

Row = TypeVar("Row", bound=Model)


def operator(request: HttpRequest) -> str:
    """Who changes. The key's scope is asked of whoever authenticated it: keys are not ours."""
    caller: Any = request.auth  # type: ignore[attr-defined]
    caller.require("admin")
    return str(caller.key)


def newest_first(rows: QuerySet[Row], *, cursor: UUID | None, limit: int) -> tuple[list[Row], str | None]:
    """The page after `cursor`, by id, which is also the order of creation; and the cursor of the next one."""
    if cursor is not None:
        rows = rows.filter(pk__lt=cursor)
    found = list(rows.order_by("-pk")[: limit + 1])
    return found[:limit], str(found[limit - 1].pk) if len(found) > limit else None


def found(rows: QuerySet[Row], id: UUID) -> Row:
    row = rows.filter(pk=id).first()
    if row is None:
        raise Http404
    return row


@contextmanager
def naming_the_field() -> Iterator[None]:
    """What a verb refuses, as the 422 of a request's field."""
    try:
        yield
    except RefusedError as refusal:
        faults = [
            {"type": "value_error", "loc": ("body", field), "msg": str(problem)}
            for field, problem in refusal.problems.items()
        ]
        raise ValidationError(faults) from None
