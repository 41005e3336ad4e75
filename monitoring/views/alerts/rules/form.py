"""A rule as the fields of a form, and back: text as people write it, with what is wrong beside each field."""

from __future__ import annotations

from typing import Any, Final

from monitoring.alerts import Problem, RefusedError, rules
from monitoring.models import AlertRule, Severity
from monitoring.views.alerts.words import compact, in_seconds

Raw = dict[str, str]
Problems = dict[str, Problem]

TEXTS: Final = (
    *("title", "summary", "kind", "metric", "measure", "denominator"),
    *("comparison", "no_data", "baseline", "recommendation", "link"),
)
LENGTHS: Final = ("window_s", "for_s", "keep_firing_s")
WORST_FIRST: Final = tuple(reversed(Severity))
PARTS: Final = ("fire", "clear", "long_s", "short_s")
LADDER: Final = tuple(f"{part}_{severity.value}" for severity in WORST_FIRST for part in PARTS)
NAMES: Final = ("name", *TEXTS, *LENGTHS, "min_events", "objective", *LADDER, "labels", "channels", "is_enabled")
A_LENGTH: Final = "Write it like 30s, 5m, 6h or 3d"
BLANK: Final = {"kind": "threshold", "measure": "p95", "comparison": "above", "no_data": "ok", "is_enabled": "on"} | {
    "window_s": "5m",
    "for_s": "1m",
    "keep_firing_s": "1m",
    "min_events": "0",
}


def blank() -> Raw:
    return dict.fromkeys(NAMES, "") | BLANK


def raw(rule: AlertRule) -> Raw:
    """A rule as its form shows it."""
    text = {"name": rule.name} | {name: str(getattr(rule, name)) for name in TEXTS}
    lengths = {name: compact(getattr(rule, name)) for name in LENGTHS}
    ladder = dict.fromkeys(LADDER, "")
    for each in rule.thresholds:
        of = each["severity"]
        ladder |= {f"{part}_{of}": f"{each[part]:g}" for part in ("fire", "clear")}
        ladder |= {f"{part}_{of}": compact(each[part]) for part in ("long_s", "short_s") if part in each}
    return (
        text
        | lengths
        | ladder
        | {
            "min_events": str(rule.min_events),
            "objective": "" if rule.objective is None else f"{rule.objective:g}",
            "labels": "\n".join(f"{name}={value}" for name, value in rule.labels.items()),
            "channels": ", ".join(rule.channels),
            "is_enabled": "on" if rule.is_enabled else "",
        }
    )


def read(given: Raw, of: AlertRule | None) -> AlertRule:
    """The rule that the form tells, unsaved. Raises RefusedError with every problem of what could be read."""
    fields, problems = parse(given, of)
    try:
        rule = rules.draft(fields, of)
    except RefusedError as refusal:
        # what could not be read was left out, and says more than that it is missing
        raise RefusedError(refusal.problems | problems) from None
    if problems:
        raise RefusedError(problems)
    return rule


def parse(given: Raw, of: AlertRule | None) -> tuple[dict[str, Any], Problems]:
    """The fields that `rules` takes, and what can't be read at all."""
    problems: Problems = {}
    fields: dict[str, Any] = {name: given[name].strip() for name in TEXTS}
    if of is None:
        fields["name"] = given["name"].strip()
    for name in LENGTHS:
        if (length := _length(name, given[name], problems)) is not None:
            fields[name] = length
    fields["min_events"] = _whole("min_events", given["min_events"] or "0", problems)
    fields["objective"] = _number("objective", given["objective"], problems)
    fields["thresholds"] = _thresholds(given, problems)
    fields["labels"] = _labels(given["labels"], problems)
    fields["channels"] = [name.strip() for name in given["channels"].split(",") if name.strip()]
    fields["is_enabled"] = bool(given["is_enabled"])
    return {name: value for name, value in fields.items() if name not in problems}, problems


def _length(name: str, text: str, problems: Problems) -> int | None:
    try:
        return in_seconds(text or "0")
    except ValueError as problem:
        problems[name] = Problem(str(problem), A_LENGTH)
        return None


def _whole(name: str, text: str, problems: Problems) -> int:
    if text.strip().isdigit():
        return int(text[:9])
    problems[name] = Problem(f"{text[:20]!r} is no whole number", "Such as 20")
    return 0


def _number(name: str, text: str, problems: Problems) -> float | None:
    try:
        return float(text) if text.strip() else None
    except ValueError:
        problems[name] = Problem(f"{text[:20]!r} is no number", "Such as 250 or 2.5")
        return None


def _thresholds(given: Raw, problems: Problems) -> list[dict[str, Any]]:
    """One for each severity that has a limit."""
    found = []
    for severity in WORST_FIRST:
        fire, clear = (
            _number(f"{part}_{severity.value}", given[f"{part}_{severity.value}"], problems)
            for part in ("fire", "clear")
        )
        if fire is None:
            if clear is not None:
                problems[f"fire_{severity.value}"] = Problem("it clears, and never fires", "Write where it fires")
            continue
        each: dict[str, Any] = {"severity": severity.value, "fire": fire, "clear": fire if clear is None else clear}
        if given["kind"] == AlertRule.Kind.BURN:
            for part in ("long_s", "short_s"):
                each[part] = _length(f"{part}_{severity.value}", given[f"{part}_{severity.value}"], problems)
        found.append(each)
    return found


def _labels(text: str, problems: Problems) -> dict[str, str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    pairs = [line.partition("=") for line in lines]
    wrong = next((line for line, (_, sign, _) in zip(lines, pairs, strict=True) if not sign), None)
    if wrong is not None:
        problems["labels"] = Problem(f"{wrong[:40]!r} is no label", "Write one in each line, like component=queue")
    return {name.strip(): value.strip() for name, _, value in pairs}
