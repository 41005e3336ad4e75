"""What a rule must be, before it is kept: every problem at once, each with what would do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from math import isfinite
from typing import Any, Final

from django.core.exceptions import ValidationError

from monitoring.alerts.errors import Problem, RefusedError
from monitoring.alerts.rules import known
from monitoring.alerts.rules.patterns import STAR, is_pattern, summands
from monitoring.formats import age, number
from monitoring.metrics.store.retain import MINUTES_S
from monitoring.models import AlertRule, Channel, Severity

Kind = AlertRule.Kind
Measure = AlertRule.Measure

FIELDS: Final = (
    *("title", "summary", "kind", "metric", "measure", "denominator", "window_s", "comparison", "thresholds"),
    *("for_s", "keep_firing_s", "min_events", "no_data", "baseline", "objective", "labels"),
    *("recommendation", "link", "channels", "is_enabled"),
)
NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,79}")
LABEL: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
LINK: Final = re.compile(r"[a-z][a-z0-9_:-]*(\?[A-Za-z0-9_.~=&%:+-]*)?")
WINDOW_LEAST_S: Final = 10
GRAIN_S: Final = 10  # of the narrowest sketches, up to
FINE_S: Final = 600  # this long; longer windows are made of minutes
HELD_S: Final = 86_400
LABELS: Final = 10
MEASURES: Final = {
    Kind.THRESHOLD: (
        *(Measure.P50, Measure.P95, Measure.P99, Measure.MEAN, Measure.COUNT),
        *(Measure.VALUE, Measure.AVERAGE, Measure.MAX, Measure.MIN),
    ),
    Kind.RATE: (Measure.RATE, Measure.SHARE),
    Kind.RATIO: (
        *(Measure.P50, Measure.P95, Measure.P99, Measure.MEAN, Measure.RATE, Measure.SHARE),
        *(Measure.VALUE, Measure.AVERAGE),
    ),
    Kind.BURN: (Measure.SHARE,),
    Kind.EVENT: (Measure.COUNT,),
}
COHORTS: Final = (".control", ".exposed")

Problems = dict[str, Problem]


def draft(fields: Mapping[str, Any], of: AlertRule | None = None) -> AlertRule:
    """A rule with these fields, unsaved; the others are those of `of`. Raises RefusedError."""
    rule = AlertRule(**{name: getattr(of, name) for name in ("name", *FIELDS)}) if of else AlertRule()
    unknown = sorted(fields.keys() - {"name", *FIELDS})
    if unknown:
        raise RefusedError(
            {name: Problem("is no field of a rule", f"Fields are {', '.join(FIELDS)}") for name in unknown}
        )
    for name, value in fields.items():
        setattr(rule, name, value)
    problems = _forms(rule)
    if not problems:
        for check in (_window, _thresholds, _burn, _metric, _baseline, _held, _labels, _channels):
            problems |= check(rule)
    if problems:
        raise RefusedError(problems)
    return rule


def _forms(rule: AlertRule) -> Problems:
    """What each field must be by itself."""
    problems = {}
    try:
        rule.clean_fields(exclude=["id", "labels", "thresholds"])
    except ValidationError as error:
        problems = {name: Problem(texts[0].rstrip(".")) for name, texts in error.message_dict.items()}
    if not NAME.fullmatch(rule.name):
        problems["name"] = Problem(
            f"{rule.name[:80]!r} is no name of a rule", "Use small letters, digits and hyphens, such as queue-depth"
        )
    if rule.link and not LINK.fullmatch(rule.link):
        problems["link"] = Problem(
            "the link is the name of a page of this console, with its query", "Such as queues?range=1h"
        )
    if "measure" not in problems and "kind" not in problems:
        problems |= _measure(rule)
    return problems


def _measure(rule: AlertRule) -> Problems:
    allowed = MEASURES[Kind(rule.kind)]
    if rule.measure in allowed:
        return {}
    kinds = [kind.value for kind, measures in MEASURES.items() if rule.measure in measures]
    return {
        "measure": Problem(
            f"a rule of kind {rule.kind} can't judge {rule.measure}",
            f"Choose {_either(allowed)}, or the kind {_either(kinds)}",
        )
    }


def _window(rule: AlertRule) -> Problems:
    window = rule.window_s
    if window < WINDOW_LEAST_S:
        return {"window_s": Problem(f"a window of {window} s is too short to judge", "Choose at least 10 s")}
    if window > MINUTES_S:
        return {
            "window_s": Problem(
                f"the window is {age(window)} long, and figures by the minute are kept for {age(MINUTES_S)}",
                f"Choose at most {age(MINUTES_S)} ({MINUTES_S} s)",
            )
        }
    grain = GRAIN_S if window <= FINE_S else 60
    if window % grain:
        return {
            "window_s": Problem(
                f"a window of this length is a multiple of {grain} s", f"Choose {window - window % grain}"
            )
        }
    return {}


def _thresholds(rule: AlertRule) -> Problems:
    given = rule.thresholds
    if not isinstance(given, list) or not 1 <= len(given) <= 3 or not all(isinstance(each, dict) for each in given):
        return {
            "thresholds": Problem(
                "a rule has one to three thresholds", 'Such as [{"severity": "warning", "fire": 100}]'
            )
        }
    kept = []
    for each in given:
        try:
            severity, fire = Severity(each.get("severity")), float(each["fire"])
            clear = fire if each.get("clear") is None else float(each["clear"])
        except (KeyError, TypeError, ValueError):
            return {
                "thresholds": Problem(
                    "a threshold has a severity (info, warning or critical), fire, and clear as numbers"
                )
            }
        if not (isfinite(fire) and isfinite(clear)):
            return {"thresholds": Problem("a threshold is a finite number")}
        if problem := _sides(rule, severity, fire, clear):
            return {"thresholds": problem}
        extra = {name: each[name] for name in ("long_s", "short_s") if name in each}
        kept.append({"severity": severity.value, "fire": fire, "clear": clear, **extra})
    rule.thresholds = sorted(kept, key=lambda each: Severity(each["severity"]).rank)
    return {} if rule.kind == Kind.BURN else _ladder(rule)


def _sides(rule: AlertRule, severity: Severity, fire: float, clear: float) -> Problem | None:
    """The clear threshold lies on the good side of the one that fires."""
    is_above = rule.comparison == AlertRule.Comparison.ABOVE
    if (clear <= fire) if is_above else (clear >= fire):
        return None
    side, better = ("above", fire * 0.8) if is_above else ("below", fire * 1.1)
    return Problem(
        f"{severity} clears at {number(clear)}, which is {side} {number(fire)}, where it fires",
        f"Clear at {number(better)}",
    )


def _ladder(rule: AlertRule) -> Problems:
    """Each severity once, and the worse one further on."""
    severities = [each["severity"] for each in rule.thresholds]
    if len(set(severities)) < len(severities):
        return {"thresholds": Problem("each severity has one threshold")}
    sign = 1 if rule.comparison == AlertRule.Comparison.ABOVE else -1
    for milder, worse in zip(rule.thresholds, rule.thresholds[1:], strict=False):
        if sign * worse["fire"] <= sign * milder["fire"]:
            return {
                "thresholds": Problem(
                    f"{worse['severity']} fires at {number(worse['fire'])}, before {milder['severity']} does "
                    f"at {number(milder['fire'])}",
                    "Exchange the two",
                )
            }
    return {}


def _burn(rule: AlertRule) -> Problems:
    if rule.kind != Kind.BURN:
        return {}
    problems: Problems = {}
    if rule.objective is None or not 0.5 <= rule.objective <= 0.999999:
        problems["objective"] = Problem(
            f"an objective is the share of good requests, from 0.5 to 0.999999, got {rule.objective}",
            "Such as 0.999 for one bad request in a thousand",
        )
    for each in rule.thresholds if isinstance(rule.thresholds, list) else ():
        long_s, short_s = each.get("long_s"), each.get("short_s")
        whole = isinstance(long_s, int) and isinstance(short_s, int)
        if not whole or not 60 <= short_s < long_s <= MINUTES_S or long_s % 60 or short_s % 60:
            problems["thresholds"] = Problem(
                "each threshold of a burn rate has a long and a shorter window (long_s, short_s), in whole minutes",
                "Such as 3600 and 300 for 14.4 times the budget",
            )
    return problems


def _metric(rule: AlertRule) -> Problems:
    stars = {part.count(STAR) for part in summands(f"{rule.metric}+{rule.denominator}")}
    if len(stars) > 1 or max(stars, default=0) > 1:
        return {"metric": Problem("a pattern has one *, in each of its series", "Such as cache.*.hits")}
    series = known.kinds()
    problems = _series("metric", rule, rule.metric, series)
    if rule.measure == Measure.SHARE:
        if not rule.denominator:
            problems["denominator"] = Problem(
                "a share needs what it is a share of", "Such as requests for requests.errors"
            )
        else:
            problems |= _series("denominator", rule, rule.denominator, series)
    elif rule.denominator:
        problems["denominator"] = Problem("only a share has a denominator", "Leave it empty")
    return problems


def _series(field: str, rule: AlertRule, metric: str, series: dict[str, str]) -> Problems:
    """Every series that a metric or a denominator names is recorded, and holds what the measure is of."""
    parts = summands(metric)
    if len(parts) > 1 and rule.measure in {Measure.MAX, Measure.MIN}:
        return {field: Problem(f"the {rule.measure} of a sum is not kept", "Choose value or average")}
    cohorts = rule.kind == Kind.RATIO and rule.baseline == AlertRule.Baseline.CONTROL
    for part in parts:
        for name in [part + suffix for suffix in COHORTS] if cohorts else [part]:
            if problem := _one(rule, name, series):
                return {field: problem}
    return {}


def _one(rule: AlertRule, name: str, series: dict[str, str]) -> Problem | None:
    held = known.kinds_of(name, series)
    needed = known.NEEDED[Measure(rule.measure)]
    if not held:
        near = dict.fromkeys(_without_cohort(each) for each in known.nearest(name, series))
        return Problem(
            f"{_without_cohort(name)!r} is not a series that is recorded",
            f"Did you mean {_either(near)}?" if near else "",
        )
    if held & set(needed):
        return None
    fitting = [each for each in MEASURES[Kind(rule.kind)] if held & set(known.NEEDED[each])]
    return Problem(
        f"{name} is a {'/'.join(sorted(held))}, and {rule.measure} is of a {_either(needed)}",
        f"Choose {_either(fitting)}" if fitting else "",
    )


def _without_cohort(name: str) -> str:
    for suffix in COHORTS:
        name = name.removesuffix(suffix)
    return name


def _baseline(rule: AlertRule) -> Problems:
    if rule.kind == Kind.RATIO and not rule.baseline:
        return {"baseline": Problem("this kind compares with a baseline", "Choose control or before")}
    if rule.kind != Kind.RATIO and rule.baseline:
        return {
            "baseline": Problem(
                f"a rule of kind {rule.kind} has no baseline", "Leave it empty, or choose the kind ratio"
            )
        }
    if rule.baseline == AlertRule.Baseline.BEFORE and 2 * rule.window_s > MINUTES_S:
        return {
            "window_s": Problem(
                "the window and the one before it are longer than figures are kept",
                f"Choose at most {age(MINUTES_S // 2)} ({MINUTES_S // 2} s)",
            )
        }
    if rule.baseline == AlertRule.Baseline.CONTROL and is_pattern(rule.metric):
        return {"metric": Problem("cohorts are compared for one series", "Leave out the *")}
    return {}


def _held(rule: AlertRule) -> Problems:
    return {
        field: Problem(f"{getattr(rule, field)} s is more than a day", f"Choose at most {HELD_S}")
        for field in ("for_s", "keep_firing_s")
        if getattr(rule, field) > HELD_S
    }


def _labels(rule: AlertRule) -> Problems:
    given = rule.labels
    is_good = (
        isinstance(given, dict)
        and len(given) <= LABELS
        and all(
            LABEL.fullmatch(str(name)) and isinstance(value, str) and 0 < len(value) <= 100
            for name, value in given.items()
        )
    )
    if is_good:
        return {}
    return {
        "labels": Problem(
            f"labels are at most {LABELS} names with a text of 1 to 100 characters", 'Such as {"component": "queue"}'
        )
    }


def _channels(rule: AlertRule) -> Problems:
    there = list(Channel.objects.values_list("name", flat=True))
    for name in rule.channels:
        if name not in there:
            near = get_close_matches(name, there, n=1)
            made = "Did you mean " + near[0] + "?" if near else "Make it first, or leave channels empty for all of them"
            return {"channels": Problem(f"there is no channel {name!r}", made)}
    return {}


def _either(words: Any) -> str:
    *most, last = map(str, words)
    return f"{', '.join(most)} or {last}" if most else last
