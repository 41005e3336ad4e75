from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from memory.models import Memory, State
from tests.browser.conftest import PHONE, Door, Watch
from tests.browser.test_accessibility import faults
from tests.make import make_memory
from tests.memory.views.memories_made import USER, fill

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def best(transactional_db: None) -> Memory:
    return fill(now=timezone.now())


def refresh(page: Page) -> None:
    page.evaluate("htmx.trigger('#refresh', 'holdfast:refresh')")


def test_a_memory_is_chosen_beside_the_list_which_stays_where_it_is(door: Door, watch: Watch, best: Memory) -> None:
    for number in range(40):
        make_memory(f"Has {number} plants", best.workspace)
    page = door.signed_in("/memories/")
    rows = page.locator("#memory-list .mem")
    expect(rows).to_have_count(30)
    page.locator("#older").click()
    expect(rows).to_have_count(46)
    page.locator(f"#row-{best.pk}").click()
    expect(page).to_have_url(re.compile(f"/memories/{best.pk}/"))
    expect(page.locator("#m-title")).to_have_text(best.text)
    expect(page.locator("#memory-list [aria-current]")).to_have_attribute("id", f"row-{best.pk}")
    expect(page.locator(f"#row-{best.pk}")).to_be_focused()
    place = f"document.getElementById('row-{best.pk}').getBoundingClientRect().top"
    before = page.evaluate(place)
    assert page.evaluate("document.querySelector('.list-pane .scroll').scrollTop") > 0
    make_memory("Has a new plant", best.workspace)
    refresh(page)
    expect(rows).to_have_count(47)
    expect(rows.first).to_contain_text("Has a new plant")
    expect(page.locator(f"#row-{best.pk}")).to_be_focused()
    assert page.evaluate(place) == before, "what is looked at stays, though a row came above it"
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator("#m-title")).not_to_have_text(best.text)
    watch.assert_quiet()
    page.go_back()
    expect(page.locator("#m-title")).to_have_text(best.text)


def test_a_memory_is_edited_and_merged_in_dialogs_and_the_merge_is_undone(
    door: Door, watch: Watch, best: Memory
) -> None:
    page = door.signed_in(f"/memories/{best.pk}/?user={USER}&state=any")
    dialog = page.locator("dialog[open]")
    page.locator("#act-edit").click()
    dialog.locator("#id_text").fill("Runs 10 km every Tuesday and Thursday morning")
    expect(dialog.locator("#go")).to_be_disabled()
    dialog.locator("#id_reason").fill("no need to say when")
    dialog.locator("#go").click()
    expect(page.locator(".toast")).to_contain_text("is edited")
    expect(page.locator(".diff del").first).to_have_text("before work")
    expect(page.locator("#without-user")).to_be_visible()
    page.locator("#act-merge").click()
    dialog.locator("#merge-q").fill("office group")
    dialog.locator("#merge-q").press("Enter")
    dialog.locator(".mem", has_text="office group").first.click()
    expect(dialog.locator("#id_text")).to_be_visible()
    dialog.locator("#id_reason").fill("they mean the same runs")
    dialog.locator("#go").click()
    expect(page.locator(".toast")).to_contain_text("is merged into")
    assert Memory.objects.filter(state=State.MERGED).count() == 2
    page.locator(".toast").get_by_role("link", name="Undo").click()
    dialog.locator("#id_reason").fill("they do not, after all")
    dialog.locator("#go").click()
    expect(page.locator(".toast")).to_contain_text("taken back")
    assert Memory.objects.filter(state=State.MERGED).count() == 1
    watch.assert_quiet()


def test_a_phone_shows_the_list_then_one_memory_and_the_way_back_and_no_page_has_a_fault(
    door: Door, watch: Watch, best: Memory
) -> None:
    page = door.signed_in(f"/memories/?user={USER}&state=any", viewport=PHONE)
    expect(page.locator("#memory")).to_be_hidden()
    page.locator(f"#row-{best.pk}").click()
    expect(page.locator("#m-title")).to_have_text(best.text)
    expect(page.locator("#memory-list")).to_be_hidden()
    back = page.get_by_role("link", name="All memories")
    expect(back).to_be_focused()
    assert page.evaluate(WIDER) <= 0
    back.click()
    expect(page.locator("#memory-list .mem").first).to_be_visible()
    assert page.evaluate(WIDER) <= 0
    expect(page.locator(".tabbar [aria-current]")).to_contain_text("Memories")
    paths = (
        f"/memories/{best.pk}/?user={USER}&state=any",
        f"/memories/{best.pk}/forget/",
        f"/memories/{best.pk}/merge/",
    )
    page.set_viewport_size({"width": 1440, "height": 900})
    found = [fault for path in paths for fault in faults(page, path)]
    assert not found, "\n".join(found)
    watch.assert_quiet()
