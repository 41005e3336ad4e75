"""Alerts: who has to know. Rules (rules) are judged every ten seconds (judge), and people are told (notify, channels).

Data flows through rules → judge (samples, machine, episodes) → notify (quiet, plan, deliver) → channels; what people do
about it is in people, and backtest asks what a rule would have done.
"""

from __future__ import annotations

from monitoring.alerts import channels, rules
from monitoring.alerts.backtest import Backtest, Instance, backtest, series
from monitoring.alerts.errors import AlertsError, ConflictError, Problem, RefusedError
from monitoring.alerts.judge.evaluate import Evaluator, Report
from monitoring.alerts.judge.watch import Evaluated, Watch, evaluated, evaluated_at, gauges
from monitoring.alerts.notify.deliver import ATTEMPTS, retry
from monitoring.alerts.notify.tell import tell
from monitoring.alerts.notify.worker import Notifier, Worker
from monitoring.alerts.past.replay import Fired
from monitoring.alerts.people import silences
from monitoring.alerts.people.acts import (
    Step,
    acknowledge,
    deliveries,
    firing,
    snooze,
    timeline,
    unacknowledge,
    with_silence,
)
from monitoring.alerts.people.silences import silencing as silences_of
from monitoring.alerts.rules.words import condition, link, unit, written, written_as

__all__ = [
    "ATTEMPTS",
    "AlertsError",
    "Backtest",
    "ConflictError",
    "Evaluated",
    "Evaluator",
    "Fired",
    "Instance",
    "Notifier",
    "Problem",
    "RefusedError",
    "Report",
    "Step",
    "Watch",
    "Worker",
    "acknowledge",
    "backtest",
    "channels",
    "condition",
    "deliveries",
    "evaluated",
    "evaluated_at",
    "firing",
    "gauges",
    "link",
    "retry",
    "rules",
    "series",
    "silences",
    "silences_of",
    "snooze",
    "tell",
    "timeline",
    "unacknowledge",
    "unit",
    "with_silence",
    "written",
    "written_as",
]
