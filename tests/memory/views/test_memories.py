from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.models import Memory, Outcome, State
from memory.views.memories import words
from memory.views.memories.detail.diff import diff
from memory.views.memories.detail.marks import marked
from memory.views.memories.listing.patience import within
from tests.make import make_memory, make_workspace
from tests.memory.views.memories_made import USER, fill, make_decision, make_reader, weighed

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
TEXTS = st.lists(st.sampled_from(["runs", "10", "km", "every", "day", "not"]), max_size=8).map(" ".join)


@pytest.fixture
def reader(client: Client) -> Client:
    cache.delete("memories:about")
    client.force_login(make_reader())
    return client


def text(client: Client, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def listed(page: str) -> list[str]:
    part = page[page.index('id="memory-list"') : page.index("</ul>", page.index('id="memory-list"'))]
    return re.findall(r"<p>(.*?)</p>", part)


def test_memories_are_shown_to_who_signed_in_and_may_read_them(client: Client) -> None:
    memory = make_memory()
    paths = [reverse("memories"), reverse("memories-list"), reverse("memory", args=[memory.pk])]
    for path in paths:
        assert client.get(path).headers["Location"].startswith("/sign-in/")
    client.force_login(User.objects.create_user("viewer"))
    assert [client.get(path).status_code for path in paths] == [403, 403, 403]


def test_an_installation_without_a_memory_says_what_makes_one(reader: Client) -> None:
    page = text(reader, "/memories/")
    assert "Nothing is remembered yet" in page
    assert "0 active, 0 merged in the last hour" in page


def test_the_list_says_what_each_memory_is_and_how_it_stands_to_others(reader: Client) -> None:
    best = fill(now=timezone.now())
    page = text(reader, f"/memories/?user={USER}&state=any")
    assert len(listed(page)) == 9
    assert "1 merged" in page
    assert "0.953, kept apart" in page
    assert f"into {words.short(best.pk)}, 0.981" in page
    assert "by admin, no restore" in page
    assert "Text removed" in page
    assert "9 of 9" in page
    assert "1 merged in the last hour" in page
    assert "hay fever" not in page
    active = text(reader, f"/memories/?user={USER}")
    assert len(listed(active)) == 6, "without a state the active ones"


def test_search_finds_by_meaning_within_a_user_and_says_how_many_of_how_many(reader: Client) -> None:
    fill(now=timezone.now())
    found = text(reader, f"/memories/?user={USER}&q=runs+thursday&state=any")
    assert any("morning before work" in line for line in listed(found))
    assert any("Runs 10 km on Tuesday and Thursday" in line for line in listed(found)), "merged ones by their words"
    assert re.search(r"\d of 9", found)
    everywhere = text(reader, "/memories/?q=hazel+trails")
    assert "No memory matches" in everywhere
    assert len(listed(text(reader, "/memories/?q=trails"))) == 1


def test_chips_narrow_the_list(reader: Client) -> None:
    best = fill(now=timezone.now())
    for query, count in (
        ("kind=plan", 1),
        ("state=superseded", 1),
        ("duplicates=merged", 1),
        ("duplicates=apart", 1),
        (f"q={best.pk}", 1),
        (f"q={words.short(best.pk)}", 1),
    ):
        assert len(listed(text(reader, f"/memories/?{query}"))) == count, query
    assert "knitting" in text(reader, "/memories/?kind=knitting")


def test_a_user_of_two_workspaces_is_looked_for_where_most_is_known(reader: Client) -> None:
    small, large = make_workspace(name="small"), make_workspace(name="large")
    make_memory("Lives in Leeds", small, user_id="mara")
    for place in ("Bath", "York"):
        make_memory(f"Has lived in {place}", large, user_id="mara")
    page = text(reader, "/memories/?user=mara")
    assert len(listed(page)) == 2
    assert "without-workspace" in page
    assert len(listed(text(reader, "/memories/?user=mara&workspace=small"))) == 1


def test_older_ones_are_shown_below_or_on_a_page_of_their_own(reader: Client) -> None:
    home = make_workspace()
    for number in range(70):
        make_memory(f"Has {number} plants", home)
    first = text(reader, "/memories/")
    assert len(listed(first)) == 30
    more = text(reader, "/memories/?rows=60", **HTMX)
    assert len(listed(more)) == 60
    older = re.search(r'id="older" href="([^"]+)"', re.sub(r"\s+", " ", first))
    assert older is not None
    assert listed(text(reader, older[1]))[0] == "Has 39 plants"


def test_the_detail_says_why_with_the_words_that_decided(reader: Client) -> None:
    best = fill(now=timezone.now())
    page = text(reader, reverse("memory", args=[best.pk]))
    assert "Why it merged" in page
    assert "real-time dedup at" in page
    assert "4 candidates in 11 ms, limit 0.92" in page
    assert "Runs <mark>5 km</mark> every Tuesday" in page
    assert "<mark>Partner</mark> runs 10 km" in page
    assert "Number 10 km, 5 km" in page
    assert "<mark>I run my 10k every Tuesday and Thursday morning before work</mark>" in page
    assert "c-55120" in page
    assert "<del>on</del> <ins>every</ins>" in page
    assert "2.1 of 8" in page
    assert "served 36 times" in page
    assert str(best.pk) in page


def test_a_forgotten_candidate_shows_no_text(reader: Client) -> None:
    home = make_workspace()
    gone = make_memory("Takes tablets", home)
    memory = make_memory("Takes drops", home)
    make_decision(memory, Outcome.ADDED, trace=[weighed(gone, 0.9, "kept_apart")])
    Memory.objects.filter(pk=gone.pk).update(state=State.FORGOTTEN, text="")
    page = text(reader, reverse("memory", args=[memory.pk]))
    assert "Forgotten: its text is erased" in page
    assert "Takes tablets" not in page


def test_a_chain_of_changes_reads_as_a_history_from_any_of_its_facts(reader: Client) -> None:
    home, now = make_workspace(), timezone.now()
    texts = ("Lives in Paris", "Lives in Berlin", "Lives in Paris again")
    facts = [make_memory(text, home, valid_from=now - timedelta(days=90 - 30 * n)) for n, text in enumerate(texts)]
    for old, new in pairwise(facts):
        Memory.objects.filter(pk=old.pk).update(state="superseded", replaced_by=new, valid_to=new.valid_from)
    for fact in facts:
        page = text(reader, reverse("memory", args=[fact.pk]))
        part = page[page.index("m-times") : page.index("m-hist")]
        places = [part.index(f">{line}<") for line in texts]
        assert places == sorted(places)
        assert "since" in part


def test_htmx_gets_the_memory_with_the_list_and_where_to_refresh(reader: Client) -> None:
    best = fill(now=timezone.now())
    part = text(reader, f"{reverse('memory', args=[best.pk])}?state=any", **HTMX)
    assert "<html" not in part
    assert 'class="panel detail-pane shown"' in part
    assert f"open={best.pk}" in part
    assert f'data-shown="{best.pk}"' in part
    assert reader.get(reverse("memory", args=[make_workspace().pk])).status_code == 404


def test_who_may_not_change_memories_sees_the_buttons_and_why_they_are_off(reader: Client) -> None:
    best = fill(now=timezone.now())
    page = text(reader, reverse("memory", args=[best.pk]))
    assert 'title="Needs the permission to change memories"' in page
    assert "/edit/" not in page
    assert reader.get(reverse("memory-edit", args=[best.pk])).status_code == 403


def test_a_page_of_any_length_takes_as_many_queries(reader: Client) -> None:
    best = fill(now=timezone.now())
    path = f"{reverse('memory', args=[best.pk])}?user={USER}&state=any"
    text(reader, path)
    with CaptureQueriesContext(connection) as few:
        text(reader, path)
    for number in range(20):
        other = make_memory(f"Runs {number} km", best.workspace, user_id=USER)
        make_decision(other, Outcome.ADDED, trace=[weighed(best, 0.9, "kept_apart")])
        make_decision(best, Outcome.DUPLICATE)
    with CaptureQueriesContext(connection) as many:
        text(reader, path)
    assert len(many) <= len(few)
    assert len(few) <= 24


def test_a_list_that_takes_too_long_is_given_up_and_says_so() -> None:
    def ask() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 7 FROM pg_sleep(5)")
        return 7

    assert within(50, ask) is None
    assert within(1000, lambda: 7) == 7
    assert Memory.objects.count() == 0, "the connection goes on"


@settings(max_examples=30)
@given(before=TEXTS, after=TEXTS)
def test_a_diff_holds_both_texts(before: str, after: str) -> None:
    pieces = diff(before, after)
    kept = " ".join(piece.text for piece in pieces if piece.how != "del")
    assert kept.split() == after.split()
    if before:
        old = " ".join(piece.text for piece in pieces if piece.how != "ins")
        assert old.split() == before.split()


@pytest.mark.parametrize(
    ("said", "deciding", "marks"),
    [
        ("Runs ten kilometres on Sundays", ["10 km"], ["ten kilometres"]),
        ("Does not run when it rains", ["not"], ["not"]),
        ("Partner prefers trails", ["partner"], ["Partner"]),
        ("Runs 5 km", ["10 km"], []),
        ("Has visited <b>Rome</b>", ["visit"], ["visited"]),
    ],
)
def test_deciding_words_are_marked_in_whatever_form_they_stand(
    said: str, deciding: list[str], marks: list[str]
) -> None:
    parts = marked(said, deciding)
    assert [part.text for part in parts if part.is_marked] == marks
    assert "".join(part.text for part in parts) == said


def test_short_ids_are_as_long_as_it_takes_to_tell_them_apart() -> None:
    one, other = UUID(int=0xA1234567), UUID(int=0xB1234567)
    assert words.names([one, other]) == {one: "m-a1234567", other: "m-b1234567"}
    assert words.names([one, None]) == {one: "m-234567"}
