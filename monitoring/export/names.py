"""What a series is called outside: its family, and the labels that tell it from the others of its family."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from monitoring.export.family import PREFIX, Labels, Type
from monitoring.models import Series

UNSAFE: Final = re.compile(r"[^a-z0-9_]")

TYPES: Final = {
    Series.Kind.LATENCY: Type.HISTOGRAM,
    Series.Kind.COUNTER: Type.COUNTER,
    Series.Kind.GAUGE: Type.GAUGE,
}


@dataclass(frozen=True, slots=True)
class Named:
    """`family` is without `_total`."""

    family: str
    type: Type
    labels: Labels
    help: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Series of a kind whose name has this pattern. Its groups are labels, but for `what`, which is put in `family`."""

    kind: str
    pattern: re.Pattern[str]
    family: str
    help: str


def _rules() -> Iterator[Rule]:
    """Of several that fit the first counts."""
    told = (
        ("latency", r"requests", "request_seconds", "Requests."),
        ("counter", r"requests\.errors", "request_errors", "Requests answered with a status of 500 or more."),
        ("latency", r"operation\.(?P<operation>.+)", "operation_seconds", "Requests by operation."),
        (
            "counter",
            r"operation\.(?P<operation>.+)\.status\.(?P<status>\dxx)",
            "operation_answers",
            "Answers by operation and class of status, where they are 4xx or 5xx.",
        ),
        (
            "counter",
            r"operation\.(?P<operation>.+)\.errors",
            "operation_errors",
            "Requests that failed (500 or more), by operation.",
        ),
        ("latency", r"job\.(?P<kind>.+)", "job_seconds", "What a job took, by kind."),
        ("counter", r"job\.(?P<kind>.+)\.errors", "job_errors", "Runs of jobs that failed, by kind."),
        ("gauge", r"queue\.oldest_s", "oldest_job_seconds", "How long the oldest due job waits."),
        ("gauge", r"queue\.dead", "dead_jobs", "Jobs whose tries are used up."),
        ("latency", r"queue\.(?P<priority>\w+)\.wait", "queue_wait_seconds", "How long jobs waited, by priority."),
        ("counter", r"queue\.(?P<priority>\w+)\.(?P<event>\w+)", "queue_jobs", "Jobs that came, went, failed, died."),
        ("gauge", r"queue\.(?P<priority>\w+)\.running", "queue_running", "Jobs that run, by priority."),
        ("gauge", r"queue\.(?P<priority>\w+)\.oldest_s", "queue_oldest_seconds", "Age of the oldest due job."),
        ("gauge", r"queue\.(?P<priority>\w+)", "queue_depth", "Jobs that wait or run, by priority."),
        ("latency", r"cache\.(?P<cache>\w+)\.get", "cache_get_seconds", "Look-ups, by cache."),
        ("counter", r"cache\.(?P<cache>\w+)\.(?P<what>\w+)", "cache_{what}", "Cache {what}."),
        ("latency", r"provider\.(?P<provider>[\w.-]+)", "provider_seconds", "Calls of providers, retries included."),
        ("counter", r"provider\.(?P<provider>.+)\.(?P<what>\w+)", "provider_{what}", "Provider: {what}."),
        ("counter", r"breaker\.(?P<breaker>.+)\.(?P<what>\w+)", "breaker_{what}", "Circuit breaker: {what}."),
        ("latency", r"database\.queries", "database_query_seconds", "Database queries."),
    )
    for kind, pattern, family, help in told:
        yield Rule(kind, re.compile(pattern), family, help)


RULES: Final = tuple(_rules())


@lru_cache(maxsize=4096)
def named(series: str, kind: str) -> Named:
    """The outside name of a series; one that no rule knows keeps its own, with `_` for what may not be in a name."""
    for rule in RULES:
        if rule.kind == kind and (match := rule.pattern.fullmatch(series)):
            labels = match.groupdict()
            what = labels.pop("what", "")
            family = _with_unit(rule.family.format(what=what), kind)
            help = rule.help.format(what=what.replace("_", " "))
            return Named(f"{PREFIX}{family}", TYPES[Series.Kind(kind)], tuple(labels.items()), help)
    family = _with_unit(UNSAFE.sub("_", series), kind)
    return Named(f"{PREFIX}{family}", TYPES[Series.Kind(kind)], (), f"The series {series}.")


def _with_unit(name: str, kind: str) -> str:
    """A unit stands at the end and in full: `oldest_s` is `oldest_seconds`, and `bytes_raw` is `raw_bytes`."""
    if kind == Series.Kind.LATENCY:
        return name if name.endswith("_seconds") else f"{name}_seconds"
    if kind == Series.Kind.GAUGE and name.endswith("_s"):
        return f"{name.removesuffix('_s')}_seconds"
    head, found, tail = name.partition("bytes_")
    return f"{head}{tail}_bytes" if found else name.removesuffix("_total")
