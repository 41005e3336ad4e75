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
from tests.flags.scene import fill as fill_flags

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("figures")]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
# what Plotly draws is one picture with a label; axe would look at each of its lines
RUN = """async (rules) => {
  const options = { resultTypes: ["violations"], runOnly: rules };
  const found = await axe.run({ exclude: [[".chart .plot-container"]] }, options);
  const where = (nodes) => nodes.slice(0, 3).map((node) => node.target.join(" "));
  return found.violations.map(({ id, impact, nodes }) => ({ id, impact, where: where(nodes) }));
}"""
LIGHT = """() => {
  document.documentElement.dataset.theme = "light";
  document.getAnimations().forEach((one) => one instanceof CSSTransition && one.finish());
}"""
WHOLE = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
COLOURS = {"type": "rule", "values": ["color-contrast"]}
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
    rollouts = ("/rollouts/?open=enhanced_prompts&unit=u-4000", "/rollouts/unit/?unit=u-4000")
    states = ("/find/?q=over", "/?range=tomorrow&tz=Nowhere", *rollouts)
    return [*found, *states]


def faults(page: Page, path: str) -> list[str]:
    """Of both themes: all of the dark one, and the colours of the light one, since a theme changes nothing else."""
    page.goto(path)
    if page.locator(".chart[data-chart]").count():
        wait_for_charts(page)
    page.evaluate(AXE)
    found = _found(page, path, WHOLE)
    page.evaluate(LIGHT)
    return [*found, *_found(page, f"{path} (light)", COLOURS)]


def _found(page: Page, where: str, rules: dict[str, Any]) -> list[str]:
    found: list[dict[str, Any]] = page.evaluate(RUN, rules)
    return [f"{where}: {one['impact']} {one['id']} at {one['where']}" for one in found if one["impact"] in SERIOUS]


def test_no_page_has_a_serious_fault_or_asks_another_origin(door: Door, watch: Watch) -> None:
    now = timezone.now()
    make_breakers()
    events.record(kind="flag", text="enhanced_prompts 25 %", at=now, tone="hand", actor="ops")
    change = {"before": {"share": "10 %"}, "after": {"share": "25 %"}}
    audit.record(actor="ops", action="flag.raise", subject="enhanced_prompts", reason="Looks good", at=now, **change)
    fill_flags(now=now)
    page = door.signed_in("/?theme=dark")
    found = [fault for path in paths() for fault in faults(page, path)]
    assert not found, "\n".join(found)
    watch.assert_quiet()
