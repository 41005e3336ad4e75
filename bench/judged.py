"""The rows of `bench.monitoring`'s tables: what was measured, its target, and whether it is met."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from bench import merging, pages
from bench.pages import Page, at
from monitoring.alerts.backtest import backtest
from monitoring.alerts.judge.evaluate import TICK_S, Evaluator
from monitoring.alerts.rules.defaults import DEFAULTS
from monitoring.health import readiness
from monitoring.metrics import read
from monitoring.models import AlertRule

PAGE_MS, DATA_MS, READY_MS, RULES_MS, BACKTEST_MS = 150, 50, 200, 500, 1500
READ_MS: Final = {"12 series, 24h": 20, "12 series, 15m": 20, "12 series, 1h": 20}
STEP_MS: Final = {"pack": 1, "push": 1, "merge": 5, "store": 250, "seal": 500, "make": 250}
RULES: Final = 100
Row = Sequence[str]


def sending() -> Iterator[Row]:
    for name, took in merging.measure(now=int(time.time())):
        yield _row(name, took, STEP_MS[name.split()[0]], judged=0.5)  # nobody waits for it


def reads() -> Iterator[Row]:
    for name, took in pages.reads(datetime.now(UTC)):
        yield _row(name, took, READ_MS.get(name))


def page_rows(found: Iterable[Page]) -> Iterator[Row]:
    for page in found:
        figures = (f"{page.ms(0.5):.0f}", f"{page.ms(0.95):.0f}", str(page.queries), f"{page.query_ms(0.95):.0f}")
        verdict = f"**{page.failures} failed**" if page.failures else _word(page.ms(0.95) < PAGE_MS)
        yield page.name, page.range, *figures, f"p95 < {PAGE_MS}", verdict


def data(key: str) -> Iterator[Row]:
    """The documents that dashboards and scripts ask for, readiness, and a tick of the alerts."""
    client = Client(headers={"Authorization": f"Bearer {key}"})
    address = reverse("api:metrics_summary")
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        pages.publish()
        yield _row("dashboard data: GET /api/v1/metrics/summary", _timed(lambda: client.get(address)), DATA_MS)
        for name, took in merging.scrapes():
            yield _row(name, took, DATA_MS)
    yield _row("readiness", _timed(lambda: readiness.assess(now=timezone.now())), READY_MS)
    yield _row(f"alerts: one evaluation of {RULES} rules", _evaluations(), RULES_MS)
    yield _row("alerts: the slowest default rule tried on 30 days", _backtests(), BACKTEST_MS)


def print_plans(found: Iterable[Page]) -> None:
    """How PostgreSQL does the slowest query of the pages that miss their target, each page's once."""
    worst: dict[str, Page] = {}
    for page in found:
        if page.ms(0.95) >= PAGE_MS and (
            page.name not in worst or page.query_ms(0.95) > worst[page.name].query_ms(0.95)
        ):
            worst[page.name] = page
    for page in worst.values():
        print(f"\n#### {page.name}, {page.range}\n\n```\n{page.slowest[1]}\n\n{pages.plan(page.slowest)}\n```")


def _evaluations() -> list[float]:
    """The default rules again and again, under other names, at successive ticks."""
    AlertRule.objects.all().delete()
    rules = [AlertRule(**DEFAULTS[n % len(DEFAULTS)] | {"name": f"bench-{n}"}) for n in range(RULES)]
    AlertRule.objects.bulk_create(rules)
    evaluator, tick = Evaluator(), int(time.time()) // TICK_S * TICK_S
    took = []
    for n in range(10):
        began = time.perf_counter()
        report = evaluator.evaluate(tick=tick + n * TICK_S)
        took.append(time.perf_counter() - began)
        assert report is not None
        assert report.rules == RULES
    return sorted(took)


def _backtests() -> list[float]:
    """Each default rule over a month; of the slowest rule, its times."""
    span = read.span("30d", now=datetime.now(UTC))
    times = (_timed(partial(backtest, AlertRule(**rule), span), times=3) for rule in DEFAULTS)
    return max(times, key=lambda took: at(took, 0.5))


def _timed(call: Callable[[], object], times: int = 30) -> list[float]:
    call()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return sorted(took)


def _row(name: str, took: list[float], most_ms: float | None, *, judged: float = 0.95) -> Row:
    p50, p95 = (at(took, share) * 1000 for share in (0.5, 0.95))
    figures = (name, f"{p50:.3g}", f"{p95:.3g}")
    if most_ms is None:
        return (*figures, "", "")
    return (*figures, f"p{judged * 100:g} < {most_ms:g}", _word(at(took, judged) * 1000 < most_ms))


def _word(is_met: bool) -> str:
    return "met" if is_met else "**missed**"
