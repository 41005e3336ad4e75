"""The figures of a chart to take along: a CSV file, all points that the page has, in UTC."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from monitoring.console.charts import UTC_FORM, Chart

NAME: Final = "csv"
TYPE: Final = "text/csv; charset=utf-8"
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would work out
DEPTH: Final = 4  # how far down in a page's context charts are looked for
Row = Sequence[str | float | None]


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


class Sheet(TemplateResponse):
    """The figures of one chart of a page in place of the page."""

    def __init__(self, request: HttpRequest, key: str, context: dict[str, Any]) -> None:
        """Raises Http404 where the page's context has no chart of that key."""
        chart = next((chart for chart in charts(context) if chart.key == key), None)
        if chart is None:
            raise Http404(f"This page has no chart “{key[:40]}”")
        super().__init__(request, [], content_type=TYPE, headers=_headers(f"{key}-{chart.span.start:%Y%m%dT%H%MZ}"))
        self._chart = chart

    @property
    def rendered_content(self) -> SafeString:
        return SafeString("".join(_lines(rows(self._chart))))


def download(name: str, rows: Iterable[Row]) -> StreamingHttpResponse:
    """A CSV file of these rows, sent as they come."""
    return StreamingHttpResponse(_lines(rows), content_type=TYPE, headers=_headers(name))


def _headers(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="holdfast-{name}.csv"', "Cache-Control": "no-store"}


def _lines(rows: Iterable[Row]) -> Iterator[str]:
    """As RFC 4180 has them."""
    writer = csv.writer(_Echo())
    return (writer.writerow([cell(value) for value in row]) for row in rows)


def rows(chart: Chart) -> Iterator[Row]:
    """The heads, then a row for each point."""
    yield ["time", *(f"{line.name}{line.unit and f' ({line.unit.strip()})'}" for line in chart.lines)]
    for i in range(chart.span.points):
        yield [f"{chart.span.moment(i):{UTC_FORM}}", *(line.values[i] for line in chart.lines)]


def cell(value: str | float | None) -> str:
    """A text that starts like a formula gets an apostrophe, so that no spreadsheet works it out."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return f"{value:.10g}"


def charts(within: Any, depth: int = DEPTH) -> Iterator[Chart]:
    """The charts in a page's context, its boards and their parts."""
    if isinstance(within, Chart):
        yield within
    elif depth and isinstance(within, dict | list | tuple):
        for part in within.values() if isinstance(within, dict) else within:
            yield from charts(part, depth - 1)
    elif depth and dataclasses.is_dataclass(within) and not isinstance(within, type):
        for field in dataclasses.fields(within):
            yield from charts(getattr(within, field.name), depth - 1)
