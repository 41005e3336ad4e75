"""Patterns of series: one * stands for any text, and an alert has an instance for each series that matches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

STAR: Final = "*"
LATENCY: Final = "latency"
COUNTER: Final = "counter"
GAUGE: Final = "gauge"
INSTANCES: Final = 200  # of one rule; the rest, by name, is not looked at


def is_pattern(metric: str) -> bool:
    return STAR in metric


def instance_of(pattern: str, name: str) -> str | None:
    """What the * stands for in a series' name; None where it doesn't match."""
    before, _, after = pattern.partition(STAR)
    middle = name[len(before) : len(name) - len(after)]
    return middle if middle and name == before + middle + after else None


def filled(pattern: str, instance: str) -> str:
    """The series of an instance."""
    return pattern.replace(STAR, instance)


def summands(metric: str) -> list[str]:
    """The series, or patterns, whose sum a metric or a denominator is."""
    return [part.strip() for part in metric.split("+") if part.strip()]


def label_name(pattern: str) -> str:
    """What the * of a pattern names: the word before it, such as `breaker` in breaker.*.opened."""
    words = [word for word in pattern.partition(STAR)[0].split(".") if word]
    return words[-1] if words else "series"


def instances(metric: str, kinds: Mapping[str, str], wanted: Iterable[str]) -> list[str]:
    """What the * may stand for among series of the wanted kinds, in order."""
    allowed, found = set(wanted), set()
    for pattern in summands(metric):
        found |= {instance_of(pattern, name) for name, kind in kinds.items() if kind in allowed}
    return sorted(instance for instance in found if instance)[:INSTANCES]
