"""Matchers of silences: a label, = or =~, and what it must be. Patterns are kept so small that none takes long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final

from monitoring.alerts.errors import Problem, RefusedError
from monitoring.models import Alert

LIMIT: Final = 10
VALUE_LENGTH: Final = 100
# Polynomial at worst: a text has at most 100 characters, and nothing that repeats may hold what repeats.
REPEATS: Final = 3
LINE: Final = re.compile(r"""\s*([a-z][a-z0-9_-]{0,39})\s*(=~|=)\s*("[^"]*"|'[^']*'|[^\s"']+)\s*""")
REPEAT: Final = re.compile(r"(?<!\\)[*+?{]")
FORBIDDEN: Final = re.compile(r"\(\?|\)[*+?{]|\\[1-9]")
RULE: Final = "rule"
SEVERITY: Final = "severity"


@dataclass(frozen=True, slots=True)
class Matcher:
    """`label` is rule, severity, or one of an alert's labels; with =~ the whole of it must match the pattern."""

    label: str
    op: str
    value: str

    def __str__(self) -> str:
        return f'{self.label}{self.op}"{self.value}"'

    def matches(self, labels: Mapping[str, str]) -> bool:
        if self.label not in labels:
            return False
        text = labels[self.label][:VALUE_LENGTH]
        return text == self.value if self.op == "=" else bool(_compiled(self.value).fullmatch(text))


def parse(text: str) -> list[Matcher]:
    """The matchers of a text, one per line or between commas. Raises RefusedError, which names the line."""
    matchers = []
    lines = [line for line in re.split(r"[\n,]", text) if line.strip()]
    for number, line in enumerate(lines, start=1):
        told = LINE.fullmatch(line)
        if told is None:
            raise RefusedError.one(
                "matchers", f"line {number} is no matcher: {line.strip()[:60]!r}", 'Write them as rule="queue-depth"'
            )
        label, op, value = told.groups()
        matchers.append(Matcher(label, op, value.strip("\"'")))
    return checked(matchers)


def checked(matchers: Sequence[Matcher]) -> list[Matcher]:
    """The same. Raises RefusedError for none, too many, and for patterns that may take long."""
    if not 1 <= len(matchers) <= LIMIT:
        raise RefusedError.one("matchers", f"a silence has 1 to {LIMIT} matchers", 'Such as rule="queue-depth"')
    for matcher in matchers:
        if problem := _problem(matcher):
            raise RefusedError({"matchers": problem})
    return list(matchers)


def _problem(matcher: Matcher) -> Problem | None:
    if matcher.op not in {"=", "=~"}:
        return Problem(f"{matcher.op!r} is no comparison", "Use = or =~")
    if not 0 < len(matcher.value) <= VALUE_LENGTH:
        return Problem(f"what {matcher.label} must be has 1 to {VALUE_LENGTH} characters")
    if matcher.op == "=":
        return None
    if FORBIDDEN.search(matcher.value) or len(REPEAT.findall(matcher.value)) > REPEATS:
        return Problem(
            f"the pattern {matcher.value!r} may take too long",
            f"Use at most {REPEATS} of * + ? and no group that repeats",
        )
    try:
        _compiled(matcher.value)
    except re.error as problem:
        return Problem(f"{matcher.value!r} is no pattern: {problem.msg}")
    return None


def of(alert: Alert) -> list[Matcher]:
    """Those that match this alert and others of the same rule and labels."""
    return [Matcher(RULE, "=", alert.rule_name), *(Matcher(name, "=", value) for name, value in alert.labels.items())][
        :LIMIT
    ]


def labels_of(alert: Alert) -> dict[str, str]:
    """What matchers may name."""
    return {**alert.labels, RULE: alert.rule_name, SEVERITY: str(alert.severity)}


def unpacked(rows: Iterable[Mapping[str, Any]]) -> list[Matcher]:
    """The matchers in a silence's row."""
    return [Matcher(str(row["label"]), str(row["op"]), str(row["value"])) for row in rows]


def packed(matchers: Iterable[Matcher]) -> list[dict[str, str]]:
    return [asdict(matcher) for matcher in matchers]


def match_all(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
