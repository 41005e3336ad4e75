"""The alerts' doors: the page, what moves on it, and what may be done to an alert."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from monitoring import alerts as engine
from monitoring.console import pages
from monitoring.console.freshness import REFRESH_S
from monitoring.console.pages import Live
from monitoring.console.shell import chosen_range
from monitoring.formats import age, period
from monitoring.metrics import read
from monitoring.metrics.read import Span
from monitoring.models import Alert, AlertRule, AlertState
from monitoring.views.alerts import frame
from monitoring.views.alerts.fired import detail as details
from monitoring.views.alerts.fired import listing
from monitoring.views.alerts.fired.detail import Detail, May
from monitoring.views.alerts.fired.listing import Row, Wanted
from monitoring.views.alerts.frame import Act, Choice
from monitoring.views.alerts.words import counted

TEMPLATE = "monitoring/alerts/page.html"
MAY_CHANGE = "monitoring.change_alert"
MAY_SILENCE = "monitoring.add_silence"


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows. `is_chosen` is whether the address names the alert in detail."""

    range: str
    about: str
    late: str
    wanted: Wanted
    states: list[Choice]
    rows: list[Row]
    more: int
    detail: Detail | None
    chosen: str
    is_chosen: bool
    rules_on: int
    quiet: str
    age_s: float | None

    severities = listing.SEVERITIES

    @property
    def clear(self) -> str:
        return frame.address("alerts", {"range": self.range})

    @property
    def rules_href(self) -> str:
        return frame.address("alert-rules", {})

    @property
    def list_href(self) -> str:
        return frame.address("alerts", {"range": self.range} | self.wanted.as_state())


@require_safe
@login_required
def alerts(request: HttpRequest) -> TemplateResponse:
    """All alerts, and the one that `?alert=` names in detail, otherwise the first."""
    return pages.respond(request, TEMPLATE, _context(request))


def _stamp(request: HttpRequest) -> str:
    # alerts change without a snapshot: by a tick of the engine, and by hand
    return f"{int(timezone.now().timestamp() // REFRESH_S)}"


@pages.refreshed(_stamp)
def alerts_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the alerts page."""
    return TemplateResponse(request, f"{TEMPLATE}#live", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    may = May(frame.refused(request, MAY_CHANGE, "alerts"), frame.refused(request, MAY_SILENCE, "silences"))
    page = compose(
        chosen_range(request),
        listing.wanted(request.GET.dict()),
        chosen=request.GET.get("alert", ""),
        may=may,
        now=now,
    )
    live = pages.live(request, "alerts", "alerts-live", age_s=page.age_s)
    everything = Act("everything", "Silence all", "mute", frame.address("alert-silence-all", {}), may.silence)
    return {"page": page, "live": _pinned(live, page)} | frame.places("alerts", everything, frame.new_rule(request))


def _pinned(live: Live, page: Page) -> Live:
    """The one in detail stays while the list moves: who reads at night isn't given another one."""
    return replace(live, kept=live.kept | {"alert": page.chosen}) if page.detail else live


def compose(range_name: str, by: Wanted, *, chosen: str, may: May, now: datetime) -> Page:
    span = read.span(range_name, now=now)
    is_past = now - span.end > timedelta(seconds=2 * max(span.step_s, 60))
    found = listing.rows(span.start, span.end if is_past else now + timedelta(seconds=1), now)
    fits = listing.fitting(found, by)
    shown = [row for row in fits if not by.state or row.state == by.state]
    picked = chosen or (shown[0].key if shown else "")
    detail = _detail(picked, span, may, now)
    evaluated = engine.evaluated(now)
    rules_on = AlertRule.objects.filter(is_enabled=True).count()
    when = f", evaluated {age(evaluated.age_s)} ago" if evaluated.at else ""
    return Page(
        range=range_name,
        about=listing.about(found) + when,
        late=_late(evaluated),
        wanted=by,
        states=listing.states(fits, by, range_name),
        rows=[_linked(row, range_name, by, picked) for row in shown[: 2 * listing.MOST]],
        more=max(0, len(shown) - 2 * listing.MOST),
        detail=detail,
        chosen=picked,
        is_chosen=bool(chosen and detail),
        rules_on=rules_on,
        quiet=f"{counted(rules_on, 'rule')} on{when}; none has ended in the last {period(range_name)} either.",
        age_s=evaluated.age_s if evaluated.at else None,
    )


def _linked(row: Row, range_name: str, by: Wanted, picked: str) -> Row:
    href = frame.address("alerts", {"range": range_name} | by.as_state(alert=row.key))
    return replace(row, href=href, is_chosen=row.key == picked)


def _detail(key: str, span: Span, may: May, now: datetime) -> Detail | None:
    """Of an alert, or of an instance that has not fired; None where neither exists."""
    try:
        wanted = uuid.UUID(key)
    except ValueError:
        return None
    alert = Alert.objects.select_related("rule").filter(pk=wanted).first()
    if alert is not None:
        return details.of_alert(silenced([alert], now)[0], span, may=may, now=now)
    state = AlertState.objects.select_related("rule").filter(pk=wanted).first()
    return details.of_state(state, span, may=may, now=now) if state else None


def silenced(rows: Sequence[Alert], now: datetime) -> Sequence[Alert]:
    """The same alerts, each with the silence that holds for it now."""
    found = engine.silences_of([alert for alert in rows if alert.resolved_at is None], now)
    for alert in rows:
        alert.silence = found.get(alert.pk)
    return rows


def _late(evaluated: engine.Evaluated) -> str:
    if not evaluated.at:
        return "No rule was ever evaluated."
    return f"Rules were evaluated {age(evaluated.age_s)} ago." if evaluated.is_late else ""
