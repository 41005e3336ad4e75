"""The pictures of the Memories page in docs/screens, made on request as those of test_screens.py."""

from __future__ import annotations

import os

import pytest
from django.utils import timezone

from memory.models import Memory
from tests.browser.conftest import DESKTOP, PHONE, Door
from tests.browser.test_screens import keep
from tests.memory.views.memories_made import USER, fill

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("figures"),
    pytest.mark.skipif(os.environ.get("HOLDFAST_SCREENS") != "1", reason="Pictures are made by `make screens`."),
]


@pytest.fixture
def best(transactional_db: None) -> Memory:
    return fill(now=timezone.now())


@pytest.mark.parametrize(("name", "theme"), [("dark", "dark"), ("light", "light"), ("phone-dark", "dark")])
def test_memories(door: Door, best: Memory, name: str, theme: str) -> None:
    query = f"?user={USER}&state=any&q=runs+thursday&theme={theme}"
    is_phone = name.startswith("phone")
    where = "/memories/" if is_phone else f"/memories/{best.pk}/"
    page = door.signed_in(f"{where}{query}", viewport=PHONE if is_phone else DESKTOP)
    page.locator("#memory-list .mem").first.wait_for()
    keep(page, f"memories-{name}")


def test_one_memory_on_a_phone(door: Door, best: Memory) -> None:
    page = door.signed_in(f"/memories/{best.pk}/", viewport=PHONE)
    page.locator("#m-title").wait_for()
    keep(page, "memories-detail-phone-dark")
