"""The audit log's doors: the page, its CSV file, and what moves on it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import orjson
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from monitoring import audit as log
from monitoring import formats
from monitoring.console import pages, sheet
from monitoring.console.charts import UTC_FORM
from monitoring.console.chosen.range import Chosen, chosen
from monitoring.console.freshness import REFRESH_S
from monitoring.models import AuditEntry
from monitoring.models.paging import page
from monitoring.views.audit.diff import Change, changes

TEMPLATE = "monitoring/audit.html"
RANGE = "30d"
SHOWN = 50
EXPORTED = 10_000
HEADS = ("time", "actor", "action", "subject", "before", "after", "reason", "request id")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list leaves in; empty is all."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    text: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Filters:
        return cls(**{field.name: request.GET.get(field.name, "").strip()[:100] for field in fields(cls)})

    def find(self, shown: Chosen) -> QuerySet[AuditEntry]:
        return log.find(start=shown.start, end=shown.end, **{name: getattr(self, name) for name in NAMES})

    @property
    def any(self) -> bool:
        return any(getattr(self, name) for name in NAMES)


NAMES = tuple(field.name for field in fields(Filters))


@dataclass(frozen=True, slots=True)
class Line:
    entry: AuditEntry
    changes: list[Change]


def _staff(request: HttpRequest) -> None:
    """Raises PermissionDenied for whoever is not staff: the log tells what people do."""
    if not (request.user.is_authenticated and request.user.is_staff):
        raise PermissionDenied


@require_safe
@login_required
def audit(request: HttpRequest) -> HttpResponseBase:
    """Who did what, the latest first; `?csv=audit` is all that the filters leave in, up to 10,000 entries."""
    _staff(request)
    shown, filters = chosen(request, RANGE), Filters.of(request)
    if request.GET.get(sheet.NAME) == "audit":
        return sheet.download(f"audit-{shown.start:%Y%m%d}-{shown.end:%Y%m%d}", rows(filters.find(shown)))
    return pages.respond(request, TEMPLATE, _context(request, shown, filters))


def _stamp(request: HttpRequest) -> str:
    return f"{int(timezone.now().timestamp() // REFRESH_S)}"  # the log needs no snapshot


@pages.refreshed(_stamp)
def audit_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the page of the audit log."""
    _staff(request)
    return TemplateResponse(request, f"{TEMPLATE}#live", _context(request, chosen(request, RANGE), Filters.of(request)))


def rows(entries: QuerySet[AuditEntry]) -> Iterator[sheet.Row]:
    """The file's rows; where it is cut the last one says so."""
    yield HEADS
    for count, entry in enumerate(entries[: EXPORTED + 1].iterator(chunk_size=500)):
        if count == EXPORTED:
            yield [f"Cut after {EXPORTED:,} entries. Choose a shorter range or filter for the rest."]
            return
        before, after = (
            orjson.dumps(side).decode() if side is not None else "" for side in (entry.before, entry.after)
        )
        who = [f"{entry.at:{UTC_FORM}}", entry.actor, entry.action, entry.subject]
        yield [*who, before, after, entry.reason, entry.request_id]


def _context(request: HttpRequest, shown: Chosen, filters: Filters) -> dict[str, Any]:
    entries = filters.find(shown)
    try:
        after = uuid.UUID(request.GET["after"]) if "after" in request.GET else None
        found = page(entries, after=after, limit=SHOWN)
    except ValueError as problem:
        raise Http404("That page of the audit log is gone") from problem
    live = pages.live(request, "audit", "audit-live", is_exact=True)
    actors, actions = log.choices(shown.start, shown.end)
    count = entries[: EXPORTED + 1].count()
    over = "over " if count > EXPORTED else ""
    return {
        "lines": [Line(entry, changes(entry)) for entry in found.rows],
        "next": found.next,
        "filters": filters,
        "actors": actors,
        "verbs": actions,
        "live": live,
        "hidden": live.chosen.query | {key: value for key, value in live.kept.items() if key not in {*NAMES, "after"}},
        "is_cut": bool(over),
        "about": f"{over}{formats.number(min(count, EXPORTED))} in {shown.label}",
    }
