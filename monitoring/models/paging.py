"""Rows that happened at a moment, read the latest first and a page at a time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows; `next` names the last of them where there are more."""

    rows: list[Row]
    next: uuid.UUID | None


def page(rows: QuerySet[Row], *, after: uuid.UUID | None, limit: int) -> Page[Row]:
    """The page after a row of the same model. Raises ValueError where no row has that id.

    The rows have `at` and a UUID for their id, and are cut by both, so that those of one moment are neither lost nor
    seen twice.
    """
    ordered = rows.order_by("-at", "-pk")
    if after is not None:
        last: Any = rows.model._default_manager.filter(pk=after).first()
        if last is None:
            raise ValueError(f"there is no row {after} to go on after")
        ordered = ordered.filter(Q(at__lt=last.at) | Q(at=last.at, pk__lt=last.pk))
    found = list(ordered[: limit + 1])
    return Page(found[:limit], found[limit - 1].pk if len(found) > limit else None)
