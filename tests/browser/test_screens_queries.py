"""The pictures of the Queries page: made on request (HOLDFAST_SCREENS=1), replaced rather than added."""

from __future__ import annotations

import os

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Door, wait_for_charts
from tests.browser.test_queries import LATEST, slow
from tests.browser.test_screens import keep
from tests.monitoring.queries.made import make_met

__all__ = ["slow"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.environ.get("HOLDFAST_SCREENS") != "1", reason="Pictures are made by `make screens`."),
]


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("look", ["dark", "light", "phone-dark"])
def test_queries(door: Door, look: str) -> None:
    theme = look.rpartition("-")[2]
    page = door.signed_in(f"/queries/?theme={theme}", viewport=PHONE if "phone" in look else DESKTOP)
    wait_for_charts(page)
    keep(page, f"queries-{look}")


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("look", ["dark", "phone-dark"])
def test_one_query(door: Door, look: str) -> None:
    page = door.signed_in(viewport=PHONE if "phone" in look else DESKTOP)
    page.goto(f"/queries/?query={make_met(LATEST).fingerprint}#query")
    wait_for_charts(page)
    keep(page, f"query-{look}")
