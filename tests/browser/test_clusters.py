from __future__ import annotations

import os

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from memory.models import Decision, Memory, Outcome, State, Workspace
from tests.browser.conftest import DESKTOP, PHONE, Door, Watch
from tests.browser.test_accessibility import faults
from tests.browser.test_memories import WIDER
from tests.browser.test_screens import keep
from tests.make import make_conversation, make_memory, make_workspace, say, work
from tests.memory.views.memories_made import make_decision

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
QUESTION = "Where+does+she+run+on+Tuesday"
PAGES = {
    "memories-review": "/memories/review/",
    "memories-clusters": "/memories/clusters/",
    "memories-explain": f"/memories/explain/?user=mara&q={QUESTION}",
}


@pytest.fixture
def home(transactional_db: None) -> Workspace:
    home = make_workspace(name="acme")
    conversation = make_conversation(home, external_id="c-55120")
    now = timezone.now()
    say(conversation, "I run along the canal on Tuesdays.", "Is it far to the canal, do you think?", now=now)
    work(conversation, now=now)
    for text, kind in (
        ("Visited Leeds in May", "other"),
        ("She visited Leeds in May with Ana", "other"),
        ("Visited Leeds with Ana in May, by train", "other"),
        ("Plays the cello on Sundays", "habit"),
        ("She plays the cello on Sundays in a quartet", "habit"),
        ("Is allergic to hazelnuts", "health"),
    ):
        make_memory(text, home, kind=kind, importance=0.6)
    for after, before, guard in (
        ("Pays 950 for the flat", "Pays 900 for the flat", {"guard": "number", "a": ["950"], "b": ["900"]}),
        ("Drives a blue car", "Drives a red car", {"guard": "words", "a": ["blue"], "b": ["red"]}),
    ):
        older, newer = make_memory(before, home), make_memory(after, home)
        entry = {"id": str(older.pk), "similarity": 0.91, "score": 0.74, "relation": "unsure", "guards": [guard]}
        make_decision(newer, Outcome.REVIEW, other=older, trace=[entry], thresholds={"same": 0.8})
    return home


def test_the_three_pages_beside_memories_have_no_fault_and_fit_a_phone(
    door: Door, watch: Watch, home: Workspace
) -> None:
    page = door.signed_in("/memories/?theme=dark")
    page.locator("#to-explain").click()
    page.get_by_label("User").last.fill("mara")
    page.get_by_label("Question").fill("Where does she run on Tuesday?")
    page.get_by_role("button", name="Explain").click()
    expect(page.locator("#x-plan")).to_be_visible()
    found = [fault for path in PAGES.values() for fault in faults(page, path)]
    assert not found, "\n".join(found)
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    for name, path in PAGES.items():
        page.goto(path)
        assert page.evaluate(WIDER) <= 0, name
    watch.assert_quiet()


def test_a_cluster_is_merged_and_another_kept_apart_without_scripts(door: Door, home: Workspace) -> None:
    page = door.signed_in("/memories/clusters/?user=mara", scripts=False)
    panels = page.locator(".cluster")
    before = panels.count()
    cello = panels.filter(has_text="quartet")
    stays = Memory.objects.get(text="Plays the cello on Sundays")
    cello.locator(f"#into-{stays.pk}").check()
    cello.get_by_role("button", name="Merge").click()
    expect(panels).to_have_count(before - 1)
    assert Memory.objects.get(text__endswith="quartet").state == State.MERGED
    panels.filter(has_text="Leeds").get_by_role("button", name="Keep apart").click()
    expect(panels.filter(has_text="Leeds")).to_have_count(0)
    assert Decision.objects.filter(outcome=Outcome.KEPT_APART).count() == 3


@pytest.mark.usefixtures("figures")
@pytest.mark.skipif(os.environ.get("HOLDFAST_SCREENS") != "1", reason="Pictures are made by `make screens`.")
@pytest.mark.parametrize("name", PAGES)
def test_pictures(door: Door, home: Workspace, name: str) -> None:
    path = PAGES[name]
    page = door.signed_in(f"{path}{'&' if '?' in path else '?'}theme=dark", viewport=DESKTOP)
    page.locator("main .panel").first.wait_for()
    keep(page, f"{name}-dark")
