"""The form of a rule as people see it: which fields, in which groups, with what hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitoring.alerts import Problem, unit
from monitoring.console.field import Field
from monitoring.models import AlertRule
from monitoring.views.alerts.frame import sentence, with_problem
from monitoring.views.alerts.rules.form import A_LENGTH, WORST_FIRST, Raw


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under a heading. `problem` is of all of them together; an extra one is folded until it is needed."""

    title: str
    fields: list[Field]
    problem: str = ""
    hint: str = ""
    is_extra: bool = False
    is_folded: bool = False


def groups(given: Raw, problems: Mapping[str, Problem], *, of: AlertRule | None, catalogue: list[str]) -> list[Group]:
    """The form, with the reason beside each field that was refused."""

    def made(**field: Any) -> Field:
        return with_problem(field | {"value": given[field["name"]]}, problems)

    limits = problems.get("thresholds")
    measured = unit(of) if of else ""
    return [
        Group("What it is", _identity(made, of)),
        Group("Condition", _condition(made, catalogue)),
        Group(
            "Limits",
            _limits(made, measured),
            sentence(str(limits)) if limits else "",
            "One severity is enough. It clears where it fires, unless you say otherwise.",
        ),
        Group(
            "Error budget",
            _budget(made),
            "",
            "Only of the kind Burn rate: both windows have to burn.",
            True,
            given["kind"] != AlertRule.Kind.BURN,
        ),
        Group("Who is told, and what to do", _telling(made)),
    ]


def _identity(made: Any, of: AlertRule | None) -> list[Field]:
    name = [
        made(
            name="name",
            label="Name",
            width="half",
            most=80,
            example="queue-depth",
            hint="Small letters and hyphens. It never changes.",
        )
    ]
    return [
        made(
            name="title",
            label="Title",
            width="half",
            most=120,
            example="More than 1,000 jobs wait",
            hint="The thing and the number.",
        ),
        *([] if of else name),
        made(
            name="summary",
            label="What it means",
            width="half" if of else "wide",
            hint="One sentence for whoever is told.",
        ),
    ]


def _condition(made: Any, catalogue: list[str]) -> list[Field]:
    series = {"most": 100, "list": tuple(catalogue)}
    return [
        made(name="kind", label="Kind", kind="select", options=tuple(AlertRule.Kind.choices)),
        made(
            name="metric",
            label="Series",
            width="four",
            example="operation.assemble_context",
            hint="One * makes an alert of each series that fits, + adds series.",
            **series,
        ),
        made(name="measure", label="Measured as", kind="select", options=tuple(AlertRule.Measure.choices)),
        made(
            name="denominator",
            label="Share of",
            width="four",
            example="requests",
            hint="Only where a share is measured.",
            **series,
        ),
        made(name="window_s", label="Window", hint=A_LENGTH + "."),
        made(name="comparison", label="Fires when", kind="select", options=tuple(AlertRule.Comparison.choices)),
        made(
            name="baseline",
            label="Against",
            kind="select",
            options=tuple(AlertRule.Baseline.choices),
            hint="Only of the kind Against a baseline.",
        ),
        made(name="for_s", label="Holds for", hint="Before it fires."),
        made(name="keep_firing_s", label="Keeps firing for", hint="After it clears."),
        made(name="min_events", label="At least", unit="events", hint="Fewer are no data."),
        made(name="no_data", label="Without data", kind="select", options=tuple(AlertRule.NoData.choices)),
    ]


def _limits(made: Any, measured: str) -> list[Field]:
    return [
        made(name=f"{part}_{severity.value}", label=f"{severity.label} {verb}", width="half", unit=measured, most=20)
        for severity in WORST_FIRST
        for part, verb in (("fire", "fires at"), ("clear", "clears at"))
    ]


def _budget(made: Any) -> list[Field]:
    windows = [
        made(name=f"{part}_{severity.value}", label=f"{severity.label}, {word} window", width="half", most=12)
        for severity in WORST_FIRST
        for part, word in (("long_s", "long"), ("short_s", "short"))
    ]
    hint = "The share of good requests: 0.999 is one bad one in a thousand."
    return [made(name="objective", label="Objective", width="half", most=12, example="0.999", hint=hint), *windows]


def _telling(made: Any) -> list[Field]:
    return [
        made(
            name="recommendation",
            label="What to do",
            kind="area",
            width="wide",
            rows=4,
            most=2000,
            hint="A step in each line. It is read at night.",
        ),
        made(
            name="link",
            label="Page that shows why",
            width="half",
            most=200,
            example="queues?range=1h",
            hint="The name of a page of this console.",
        ),
        made(name="channels", label="Channels", width="half", hint="Names with commas. Empty: all of them."),
        made(
            name="labels",
            label="Labels",
            kind="area",
            width="half",
            rows=2,
            most=1200,
            example="component=queue",
            hint="Alerts are grouped and silenced by them.",
        ),
        made(name="is_enabled", label="On", kind="check", width="half", example="It is evaluated, and may fire"),
    ]
