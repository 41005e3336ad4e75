from __future__ import annotations

from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from playwright.sync_api import Page

from monitoring import audit, events
from monitoring.console.shell import PLACES
from tests.browser.conftest import Door, Watch, wait_for_charts
from tests.browser.scenes import make_breakers

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("figures")]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
# what Plotly draws is one picture with a label; axe would look at each of its lines
RUN = """async (rules) => {
  const options = { resultTypes: ["violations"], runOnly: rules };
  const found = await axe.run({ exclude: [[".chart .plot-container"]] }, options);
  const where = (nodes) => nodes.slice(0, 3).map((node) => node.target.join(" "));
  return found.violations.map(({ id, impact, nodes }) => ({ id, impact, where: where(nodes) }));
}"""
WHOLE = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
RULES = {"dark": WHOLE, "light": {"type": "rule", "values": ["color-contrast"]}}  # a theme changes colours only
SERIOUS = {"serious", "critical"}


def paths() -> list[str]:
    """Every page of the console that has its own templates, and a few of their other states."""
    found = []
    for places in PLACES.values():
        for place in places:
            try:
                found += [] if place.url.startswith(("admin:", "/")) else [reverse(place.url)]
            except NoReverseMatch:
                continue
    states = ("/find/?q=over", "/?from=now-2h&to=now-1h&tz=Europe/Madrid&hide=flag", "/?range=tomorrow&tz=Nowhere")
    return [*found, *states]


def faults(page: Page, path: str, rules: dict[str, Any]) -> list[str]:
    page.goto(path)
    if page.locator(".chart[data-chart]").count():
        wait_for_charts(page)
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(RUN, rules)
    return [f"{path}: {one['impact']} {one['id']} at {one['where']}" for one in found if one["impact"] in SERIOUS]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_page_has_a_serious_fault_or_asks_another_origin(door: Door, watch: Watch, theme: str) -> None:
    now = timezone.now()
    make_breakers()
    events.record(kind="flag", text="enhanced_prompts 25 %", at=now, tone="hand", actor="ops")
    change = {"before": {"share": "10 %"}, "after": {"share": "25 %"}}
    audit.record(actor="ops", action="flag.raise", subject="enhanced_prompts", reason="Looks good", at=now, **change)
    page = door.signed_in(f"/?theme={theme}")
    page.evaluate("theme => localStorage.setItem('holdfast-theme', theme)", theme)
    found = [fault for path in paths() for fault in faults(page, path, RULES[theme])]
    assert not found, "\n".join(found)
    watch.assert_quiet()
