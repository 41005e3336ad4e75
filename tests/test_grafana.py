from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from monitoring.export import text
from tests.monitoring.export import catalogue, parsed

FILE = Path(settings.BASE_DIR) / "deploy/grafana/holdfast.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text())
METRIC = re.compile(r"\bholdfast_\w+")
SELECTOR = re.compile(r"\b(holdfast_\w+)\{([^}]*)\}")
GROUPED = re.compile(r"\bby \(([^)]*)\)")
SCRAPED = {"job", "instance"}  # the labels that Prometheus adds


def questions() -> Iterator[str]:
    """Every PromQL expression of the dashboard."""
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (each["expr"] for each in DASHBOARD["annotations"]["list"])
    yield from (each["query"] for each in DASHBOARD["templating"]["list"] if each["type"] == "query")


@pytest.fixture
def labels() -> dict[str, set[str]]:
    """By the name of a line of the export the labels that it has."""
    found: dict[str, set[str]] = {}
    for family in parsed.plain(text.prometheus(catalogue.exported())):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.django_db
def test_the_dashboard_asks_only_for_what_is_exported(labels: dict[str, set[str]]) -> None:
    asked = {name for question in questions() for name in METRIC.findall(question)}
    assert asked
    assert asked <= set(labels)
    for question in questions():
        for name, conditions in SELECTOR.findall(question):
            assert set(re.findall(r"(\w+)(?:=~|!~|!=|=)", conditions)) <= labels[name] | SCRAPED, question
        known = SCRAPED.union(*(labels[name] for name in METRIC.findall(question)))
        for names in GROUPED.findall(question):
            assert set(re.findall(r"\w+", names)) <= known, question


def test_the_dashboard_is_one_that_grafana_can_lay_out() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        mine = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not mine & cells, panel["title"]
        cells |= mine
    assert all(question.count("(") == question.count(")") for question in questions())
