from __future__ import annotations

from typing import Any, cast

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from memory.models import Decision, Memory, Outcome, State
from memory.views.memories import words
from monitoring.models import AuditEntry
from tests.make import make_memory, make_workspace
from tests.memory.views.memories_made import fill, make_reader

pytestmark = pytest.mark.django_db
REASON = {"reason": "the user wrote to us"}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def editor(client: Client) -> Client:
    client.force_login(make_reader("editor", "change_memory", "delete_memory"))
    return client


def post(client: Client, name: str, memory: Memory, **said: Any) -> HttpResponse:
    answer: Any = client.post(reverse(f"memory-{name}", args=[memory.pk]), REASON | said)
    return cast(HttpResponse, answer)


def told(client: Client, answer: Any) -> str:
    """The page that one is sent to."""
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return client.get(answer.headers["Location"]).content.decode()


def edited(memory: Memory, **changed: Any) -> dict[str, Any]:
    held = {"text": memory.text, "kind": memory.kind, "importance": memory.importance, "version": memory.version}
    return held | changed


def test_asking_changes_nothing_and_takes_the_permission(client: Client) -> None:
    memory = make_memory()
    client.force_login(make_reader())
    for name in ("edit", "merge", "split", "restore", "forget"):
        assert client.get(reverse(f"memory-{name}", args=[memory.pk])).status_code == 403
        assert post(client, name, memory).status_code == 403
    client.force_login(make_reader("editor", "change_memory"))
    assert client.get(reverse("memory-edit", args=[memory.pk])).status_code == 200
    assert post(client, "forget", memory).status_code == 403, "forgetting takes the permission to delete"
    memory.refresh_from_db()
    assert memory.version == 1


def test_an_edit_is_a_revision_with_who_and_why(editor: Client) -> None:
    memory = make_memory("Lives in Leeds")
    page = told(editor, post(editor, "edit", memory, **edited(memory, text="Lives in York", kind="place", pinned="on")))
    assert "is edited" in page
    assert "<del>Leeds</del> <ins>York</ins>" in page
    memory.refresh_from_db()
    assert (memory.text, memory.kind, memory.pinned, memory.version) == ("Lives in York", "place", True, 2)
    assert AuditEntry.objects.get(action="memory.edit").reason == REASON["reason"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"text": "  "}, "Write what is to be remembered"),
        ({"importance": "7"}, "A number from 0 to 1"),
        ({"kind": "sport"}, "Choose one of the list"),
        ({"reason": "why"}, "Write 5 more characters"),
    ],
)
def test_what_can_not_be_meant_is_said_in_the_dialog_and_changes_nothing(
    editor: Client, said: dict[str, str], words: str
) -> None:
    memory = make_memory()
    answer = post(editor, "edit", memory, **edited(memory, **said))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    memory.refresh_from_db()
    assert memory.version == 1


def test_of_two_who_edit_the_second_sees_the_first_and_loses_nothing(editor: Client) -> None:
    memory = make_memory("Lives in Leeds")
    seen = edited(memory, text="Lives in Bath")
    post(editor, "edit", memory, **edited(memory, text="Lives in York"))
    answer = post(editor, "edit", memory, **seen)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "editor changed it meanwhile" in page
    assert "Lives in York" in page
    assert ">Lives in Bath</textarea>" in page
    memory.refresh_from_db()
    assert memory.text == "Lives in York"


def test_a_text_that_another_memory_has_is_refused_in_words(editor: Client) -> None:
    home = make_workspace()
    make_memory("Lives in York", home)
    memory = make_memory("Lives in Leeds", home)
    answer = post(editor, "edit", memory, **edited(memory, text="Lives in York"))
    assert answer.status_code == 409
    assert "says the same already" in answer.content.decode()


def test_merging_offers_the_same_users_memories_then_the_richer_text_and_can_be_undone(editor: Client) -> None:
    home = make_workspace()
    memory = make_memory("Runs 10 km", home)
    richer = make_memory("Runs 10 km every Tuesday before work", home)
    make_memory("Runs 10 km daily", home, user_id="other")
    path = reverse("memory-merge", args=[memory.pk])
    offered = editor.get(path, headers=HTMX).content.decode()
    assert offered.count('class="mem"') == 1
    assert richer.text in offered
    question = editor.get(path, {"with": str(richer.pk)}, headers=HTMX).content.decode()
    assert f">{richer.text}</textarea>" in question
    assert "Guards object" not in question
    five = make_memory("Runs 5 km every Tuesday before work", home)
    unlike = editor.get(reverse("memory-merge", args=[richer.pk]), {"with": str(five.pk)}, headers=HTMX)
    assert "Guards object:" in unlike.content.decode()
    assert "10 km, 5 km" in unlike.content.decode()
    said = {"with": str(richer.pk), "into": str(richer.pk), "text": "Runs 10 km each Tuesday before work"}
    page = told(editor, post(editor, "merge", memory, **said))
    assert f"{words.short(memory.pk)} is merged into {words.short(richer.pk)}" in page
    memory.refresh_from_db()
    assert (memory.state, memory.replaced_by_id) == (State.MERGED, richer.pk)
    decision = Decision.objects.get(outcome=Outcome.MERGED)
    undo = reverse("memory-undo", args=[decision.pk])
    assert undo in page
    assert "taken back" in told(editor, editor.post(undo, REASON))
    memory.refresh_from_db()
    richer.refresh_from_db()
    assert (memory.state, richer.text) == (State.ACTIVE, "Runs 10 km every Tuesday before work")
    again = editor.post(undo, REASON)
    assert again.status_code == 409
    assert "undone already" in again.content.decode()


def test_a_memory_of_another_user_is_refused_with_the_reason(editor: Client) -> None:
    home = make_workspace()
    memory, other = make_memory("Runs 10 km", home), make_memory("Runs 10 km", home, user_id="other")
    answer = post(editor, "merge", memory, **{"with": str(other.pk), "into": str(memory.pk), "text": memory.text})
    assert answer.status_code == 422
    assert "different users" in answer.content.decode()


def test_splitting_takes_a_line_for_each_fact(editor: Client) -> None:
    memory = make_memory("Has a dog. Has a cat.")
    offered = editor.get(reverse("memory-split", args=[memory.pk])).content.decode()
    assert "Has a dog.\nHas a cat.</textarea>" in offered
    one = post(editor, "split", memory, texts="Has a dog")
    assert one.status_code == 422
    assert "Write 2 to 8 lines" in one.content.decode()
    page = told(editor, post(editor, "split", memory, texts="Has a dog\n\nHas a cat\n"))
    assert "is split into 2" in page
    assert "Undo" in page
    assert set(Memory.objects.active().values_list("text", flat=True)) == {"Has a dog", "Has a cat"}


def test_restoring_brings_back_what_was_merged_and_never_what_was_forgotten(editor: Client) -> None:
    best = fill(now=timezone.now())
    merged = Memory.objects.get(state=State.MERGED)
    assert "is active again" in told(editor, post(editor, "restore", merged))
    merged.refresh_from_db()
    assert merged.state == State.ACTIVE
    assert post(editor, "restore", best).status_code == 409
    gone = Memory.objects.get(state=State.FORGOTTEN)
    answer = post(editor, "restore", gone)
    assert answer.status_code == 410
    assert "erased" in answer.content.decode()
    assert editor.get(reverse("memory-edit", args=[gone.pk])).status_code == 410


@pytest.mark.django_db(transaction=True)
def test_forgetting_says_what_goes_and_shows_the_proof(editor: Client) -> None:
    memory = make_memory("Takes tablets against hay fever")
    asked = editor.get(reverse("memory-forget", args=[memory.pk]), headers=HTMX).content.decode()
    assert "There is no undo." in asked
    page = told(editor, post(editor, "forget", memory))
    assert "is forgotten" in page
    assert "What was erased" in page
    assert "Memories</td>" in page
    assert "Nothing is left" in page
    assert "hay fever" not in page
    memory.refresh_from_db()
    assert (memory.state, memory.text) == (State.FORGOTTEN, "")
    assert post(editor, "forget", memory).status_code == 410


def test_one_goes_back_to_the_list_that_one_came_from_and_to_no_other_site(editor: Client) -> None:
    memory = make_memory()
    said = edited(memory, text="Lives in York", back="/memories/?user=mara&open=x")
    assert post(editor, "edit", memory, **said).headers["Location"] == f"/memories/{memory.pk}/?user=mara"
    memory.refresh_from_db()
    said = edited(memory, text="Lives in Bath", back="https://elsewhere.example/memories/?user=mara")
    assert post(editor, "edit", memory, **said).headers["Location"].startswith(f"/memories/{memory.pk}/")


def test_a_superuser_needs_no_group(client: Client) -> None:
    memory = make_memory()
    client.force_login(User.objects.create_superuser("root"))
    assert 'id="act-forget"' in client.get(reverse("memory", args=[memory.pk])).content.decode()
