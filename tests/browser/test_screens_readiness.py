"""The pictures of readiness in docs/screens: made on request (HOLDFAST_SCREENS=1, `make screens`)."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from monitoring.health import drills
from monitoring.health.drills.registry import find
from monitoring.health.readiness.assess import forget
from monitoring.models import ReadinessResult
from tests.browser.conftest import DESKTOP, PHONE, Door, Watch, wait_for_charts
from tests.browser.test_screens import keep

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.environ.get("HOLDFAST_SCREENS") != "1", reason="Pictures are made by `make screens`."),
]


@pytest.fixture
def drilled(figures: None) -> None:
    forget()
    now = timezone.now()
    ReadinessResult.objects.bulk_create(
        ReadinessResult(at=now - timedelta(minutes=minute), score=91 - 9 * (20 < minute < 32), confidence=88)
        for minute in range(1, 60)
    )
    for name in ("circuit-breaker-test", "feature-flags-test", "queue-management-test", "batch-processing-test"):
        spec = find(name)
        assert spec is not None
        drills.run(spec, actor="ops", reason="before the release", now=now - timedelta(minutes=3))


@pytest.mark.parametrize(
    ("name", "theme", "viewport"),
    [
        ("readiness-dark", "dark", DESKTOP),
        ("readiness-light", "light", DESKTOP),
        ("readiness-phone-dark", "dark", PHONE),
    ],
)
def test_readiness(door: Door, watch: Watch, drilled: None, name: str, theme: str, viewport: dict[str, int]) -> None:
    page = door.signed_in(f"/readiness/?theme={theme}", viewport=viewport)
    wait_for_charts(page)
    keep(page, name)
    watch.assert_quiet()


def test_a_drill(door: Door, watch: Watch, drilled: None) -> None:
    page = door.signed_in("/readiness/drills/circuit-breaker-test/")
    keep(page, "drill-dark")
    watch.assert_quiet()
