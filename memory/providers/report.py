"""The providers' figures for people (a table), for programs (JSON) and for Prometheus (its text format)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import orjson

from memory.providers.usage import Usage
from monitoring import formats

RATES: Final = ("success_rate", "failure_rate", "retry_rate", "compression_ratio", "bytes_saved", "mean_batch")
NONE: Final = "–"  # noqa: RUF001 - a dash where there is no figure


def _optional(write: Callable[[float], str]) -> Callable[[float | None], str]:
    return lambda value: NONE if value is None else write(value)


def _bytes(value: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if abs(value) < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{formats.number(value)} {unit}"


def _cost(figures: Usage) -> str:
    dollars = f"${figures.cost_dollars:,.4f}" if figures.cost_dollars < 1 else f"${figures.cost_dollars:,.2f}"
    return f"{dollars} + {formats.number(figures.unpriced)} tokens without a price" if figures.unpriced else dollars


# What is written of a provider, in this order: label, figure
HUMAN: Final[Sequence[tuple[str, Callable[[Usage], str]]]] = (
    ("requests", lambda u: formats.number(u.requests)),
    ("  answered", lambda u: f"{formats.number(u.ok)} ({_optional(formats.percent)(u.success_rate)})"),
    ("  failed", lambda u: f"{formats.number(u.failed)} ({_optional(formats.percent)(u.failure_rate)})"),
    ("  retries", lambda u: f"{formats.number(u.retried)} ({_optional(formats.percent)(u.retry_rate)})"),
    ("  told to wait (429)", lambda u: formats.number(u.limited)),
    ("never sent", lambda u: formats.number(u.rejected)),
    ("shared an answer", lambda u: formats.number(u.coalesced)),
    ("items", lambda u: formats.number(u.items)),
    ("  per request", lambda u: _optional(formats.number)(u.mean_batch)),
    ("  requests of several", lambda u: formats.number(u.batches)),
    ("tokens in", lambda u: formats.number(u.tokens_in)),
    ("tokens out", lambda u: formats.number(u.tokens_out)),
    ("cost (estimate)", _cost),
    ("request bodies", lambda u: _bytes(u.bytes_raw)),
    ("  on the wire", lambda u: f"{_bytes(u.bytes_sent)} ({_bytes(u.bytes_saved)} saved)"),
    ("  compression", lambda u: NONE if u.compression_ratio is None else f"{u.compression_ratio:.2f} to 1"),
    ("latency, half of calls", lambda u: _optional(formats.duration)(u.p50_s)),
    ("latency, 95 %", lambda u: _optional(formats.duration)(u.p95_s)),
    ("breaker opened", lambda u: formats.number(u.breaker_opened)),
    ("breaker closed", lambda u: formats.number(u.breaker_closed)),
)

# Prometheus: family, help, fields of Usage by the value of its label "kind" ("" where there is no such label)
GAUGES: Final[Sequence[tuple[str, str, Mapping[str, str]]]] = (
    ("requests", "Calls that were sent, by outcome", {"ok": "ok", "failed": "failed"}),
    (
        "calls_not_sent",
        "Calls that were refused, or shared another's answer",
        {"rejected": "rejected", "coalesced": "coalesced"},
    ),
    ("retries", "Further attempts", {"": "retried"}),
    ("rate_limited", "Answers 429", {"": "limited"}),
    ("items", "Texts or answers", {"": "items"}),
    ("batches", "Requests of several items", {"": "batches"}),
    ("tokens", "Tokens as the provider counted them", {"in": "tokens_in", "out": "tokens_out"}),
    ("request_bytes", "Bodies of requests", {"raw": "bytes_raw", "sent": "bytes_sent"}),
    ("cost_dollars", "Estimate by list price", {"": "cost_dollars"}),
    ("unpriced_tokens", "Tokens of models without a price", {"": "unpriced"}),
    ("breaker_transitions", "Of the provider's breaker", {"opened": "breaker_opened", "closed": "breaker_closed"}),
    ("latency_seconds", "Whole calls, by quantile", {"0.5": "p50_s", "0.95": "p95_s"}),
)


def as_dict(figures: Usage) -> dict[str, Any]:
    """All figures by name, the derived ones included."""
    return asdict(figures) | {rate: getattr(figures, rate) for rate in RATES}


def as_json(usages: Sequence[Usage]) -> str:
    items = [as_dict(figures) for figures in usages]
    return orjson.dumps({"items": items}, option=orjson.OPT_INDENT_2).decode() + "\n"


def as_text(usages: Sequence[Usage]) -> str:
    """A table: a column per provider."""
    if not usages:
        return "No provider was asked yet: the local ones need no request.\n"
    rows = [["", *(figures.name for figures in usages)]]
    rows += [[label, *(write(figures) for figures in usages)] for label, write in HUMAN]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )
    return f"In the last {formats.age(usages[0].seconds)}\n" + "".join(f"{line.rstrip()}\n" for line in lines)


def as_prometheus(usages: Sequence[Usage]) -> str:
    """Gauges over the span, whose length is `holdfast_provider_span_seconds`."""
    lines = []
    if usages:
        lines.append("# HELP holdfast_provider_span_seconds The time that the figures are of.")
        lines.append("# TYPE holdfast_provider_span_seconds gauge")
        lines.append(f"holdfast_provider_span_seconds {usages[0].seconds:g}")
    for family, text, fields in GAUGES if usages else ():
        lines.append(f"# HELP holdfast_provider_{family} {text}.")
        lines.append(f"# TYPE holdfast_provider_{family} gauge")
        lines += [sample for figures in usages for sample in _samples(family, fields, figures)]
    return "".join(f"{line}\n" for line in lines)


def _samples(family: str, fields: Mapping[str, str], figures: Usage) -> list[str]:
    label = "quantile" if family == "latency_seconds" else "kind"
    samples = []
    for kind, field in fields.items():
        value = getattr(figures, field)
        if value is not None:
            more = f',{label}="{kind}"' if kind else ""
            samples.append(f'holdfast_provider_{family}{{provider="{figures.name}"{more}}} {value!r}')
    return samples
