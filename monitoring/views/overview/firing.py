"""What fires, as the overview tells it: the worst by name, how many, and the first few in a list."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from monitoring import alerts
from monitoring.console.figures import Measured
from monitoring.models import Alert, AlertRule, Severity
from monitoring.views.alerts.fired import listing
from monitoring.views.alerts.fired.listing import Row
from monitoring.views.alerts.frame import address
from monitoring.views.alerts.words import counted

ROWS = 3


@dataclass(frozen=True, slots=True)
class Firing:
    """`rows` are the first few of all that is open or about to be; `told` those that nobody keeps quiet."""

    rows: list[Row] = field(default_factory=list)
    told: list[Alert] = field(default_factory=list)
    quieted: int = 0
    pending: int = 0
    rules_on: int = 0
    late: str = ""
    series: Measured = field(default_factory=list)

    @property
    def worst(self) -> Alert | None:
        return next(iter(self.told), None)

    @property
    def count(self) -> int:
        return len(self.told)

    @property
    def critical(self) -> int:
        return sum(alert.severity == Severity.CRITICAL for alert in self.told)

    @property
    def sentence(self) -> str:
        """The worst by name and value, and how many more there are."""
        if self.worst is None:
            return "Nothing fires"
        name = listing.titled(self.worst.title, self.worst.instance)
        more = f"; {counted(self.count - 1, 'more alert fires', 'more alerts fire')}" if self.count > 1 else ""
        return f"{name}, {listing.value_now(self.worst)}{more}"

    @property
    def quiet(self) -> str:
        """Why nothing fires that somebody is told of."""
        if self.quieted:
            return f"{self.quieted} silenced"
        return f"{self.pending} pending" if self.pending else counted(self.rules_on, "rule") + " on"

    @property
    def about(self) -> str:
        counts = ((self.count, "firing"), (self.pending, "pending"), (self.quieted, "silenced"))
        said = ", ".join(f"{count} {word}" for count, word in counts if count)
        return (
            self.late
            or said
            or (f"nothing fires, {counted(self.rules_on, 'rule')} on" if self.rules_on else "no rule is on")
        )

    @property
    def about_none(self) -> str:
        if not self.rules_on:
            return "No alert rule is on: nobody is notified. The verdict judges these three by itself."
        return "Nothing fires. The verdict judges these three by itself, whatever the rules say."


def gather(series: Measured, range_name: str, *, now: datetime) -> Firing:
    """What is open now, whatever range the page shows; `series` is how many fired in that one."""
    open_ = alerts.firing(now, limit=listing.MOST)
    # a rule without data is the Alerts page's matter: a new installation has some, and nothing is wrong with it
    found = sorted((row for row in listing.present(open_, now) if not row.is_unknown), key=lambda row: row.need)
    rows = [replace(row, href=address("alerts", {"range": range_name, "alert": row.key})) for row in found[:ROWS]]
    told = [alert for alert in open_ if not listing.is_quiet(alert, now)]
    evaluated = alerts.evaluated(now)
    return Firing(
        rows=rows,
        told=told,
        quieted=len(open_) - len(told),
        pending=sum(row.state == "pending" for row in found),
        rules_on=AlertRule.objects.filter(is_enabled=True).count(),
        late="rules are evaluated late" if evaluated.at and evaluated.is_late else "",
        series=series,
    )
