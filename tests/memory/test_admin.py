from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client, TestCase
from django.urls import reverse

from memory.catalogue import CHATGPT_MEMORY, REAL_TIME_DEDUP
from memory.models import Erasure, Memory, Revision, State
from tests.flags.make import make_flag
from tests.make import make_conversation, make_key, make_memory, say, work
from tests.memory.remember.made import decide

pytestmark = pytest.mark.django_db

OURS = [model for model in admin.site._registry if model._meta.app_label in {"memory", "flags", "monitoring"}]


@pytest.fixture
def ops() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ops", password="not-used-here"))
    return client


def form(memory: Memory, **fields: object) -> dict[str, object]:
    inlines = {
        f"{name}-{total}": 0 for name in ("revisions", "decisions") for total in ("TOTAL_FORMS", "INITIAL_FORMS")
    }
    shown = {"text": memory.text, "kind": memory.kind, "importance": memory.importance, "metadata": "{}"}
    return inlines | shown | fields


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_noun_has_a_list_that_can_be_searched(ops: Client, model: type) -> None:
    make_key()
    conversation = make_conversation()
    say(conversation, "I'm allergic to peanuts.")
    work(conversation)
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")  # type: ignore[attr-defined]
    assert ops.get(url).status_code == 200
    assert ops.get(url, {"q": "peanuts"}).status_code == 200


def test_a_memory_is_found_by_its_text(ops: Client) -> None:
    make_memory("Is allergic to peanuts")
    make_memory("Lives in Leeds")
    page = ops.get(reverse("admin:memory_memory_changelist"), {"q": "peanuts"}).content.decode()
    assert "Is allergic to peanuts" in page
    assert "Lives in Leeds" not in page


def test_an_edit_writes_a_revision_and_embeds_again(ops: Client) -> None:
    memory = make_memory("Lives in Leeds")
    url = reverse("admin:memory_memory_change", args=[memory.pk])
    assert ops.get(url).status_code == 200
    answer = ops.post(url, form(memory, text="Lives in York", pinned="on"))
    assert answer.status_code == 302
    stored = Memory.objects.get()
    assert (stored.text, stored.pinned, stored.version) == ("Lives in York", True, 2)
    assert list(stored.embedding) != list(memory.embedding)
    revision = Revision.objects.get(number=2)
    assert (revision.text, revision.cause, revision.actor) == ("Lives in York", "edited", "ops")


def test_an_edit_to_a_text_that_is_there_already_is_refused_in_words(ops: Client) -> None:
    memory = make_memory("Lives in Leeds")
    other = make_memory("Lives in York", memory.workspace)
    url = reverse("admin:memory_memory_change", args=[other.pk])
    page = ops.post(url, form(other, text="Lives in Leeds"), follow=True).content.decode()
    assert f"Memory {memory.pk} of this user says the same already." in page
    assert Memory.objects.get(pk=other.pk).text == "Lives in York"


def test_an_edit_to_an_empty_text_is_refused(ops: Client) -> None:
    memory = make_memory("Lives in Leeds")
    url = reverse("admin:memory_memory_change", args=[memory.pk])
    assert ops.post(url, form(memory, text="  ")).status_code == 200
    assert Memory.objects.get().text == "Lives in Leeds"


def test_deleting_and_the_action_forget(ops: Client) -> None:
    first = make_memory("Lives in Leeds")
    second = make_memory("Lives in York", first.workspace)
    ops.post(reverse("admin:memory_memory_delete", args=[first.pk]), {"post": "yes"})
    chosen = {"action": "forget_selected", "_selected_action": [str(second.pk)]}
    ops.post(reverse("admin:memory_memory_changelist"), chosen)
    assert list(Memory.objects.values_list("state", "text")) == [(State.FORGOTTEN, "")] * 2


def test_acts_on_chosen_memories_go_through_the_verbs_and_say_what_is_refused(ops: Client) -> None:
    bare = make_memory("Has a dog")
    rich = make_memory("Has a dog named Bo", bare.workspace)
    foreign = make_memory("Has a dog named Bo, a beagle")
    url = reverse("admin:memory_memory_changelist")

    def act(action: str, *memories: Memory) -> str:
        chosen = {"action": action, "_selected_action": [str(memory.pk) for memory in memories]}
        with TestCase.captureOnCommitCallbacks(execute=True):
            return unescape(ops.post(url, chosen, follow=True).content.decode())

    assert "belong to different workspaces" in act("merge_selected", bare, foreign)
    assert "must name 2 to 50 different memories" in act("merge_selected", bare)
    assert "2 memories merged into one." in act("merge_selected", bare, rich)
    bare.refresh_from_db()
    assert (bare.state, bare.replaced_by) == (State.MERGED, rich)
    page = act("restore_selected", bare, rich)
    assert "1 restored." in page
    assert f"Memory {rich.pk} is active already" in page
    assert "1 forgotten." in act("forget_selected", bare)
    shown = ops.get(reverse("admin:memory_memory_change", args=[bare.pk])).content.decode()
    assert "Searched afterwards: 3 left." in shown  # the richer one: its text, revision and decision
    assert "Other memories say it, too" in shown
    proof = ops.get(reverse("admin:memory_erasure_change", args=[Erasure.objects.get().pk])).content.decode()
    assert "Searched afterwards: 3 left." in proof


def test_decisions_are_undone_and_questions_answered_in_the_list(ops: Client) -> None:
    old = make_memory("Has a dog")
    new = make_memory("Has a dog named Bo", old.workspace)
    question = decide(new, old, "review")
    url = reverse("admin:memory_decision_changelist")

    def act(action: str) -> str:
        chosen = {"action": action, "_selected_action": [str(question.pk)]}
        return unescape(ops.post(url, chosen, follow=True).content.decode())

    assert "Has a dog named Bo" in ops.get(url, {"waiting": "yes"}).content.decode()
    assert "waits for an answer" in act("undo_selected")
    assert "1 answered: merged." in act("answer_same")
    assert "answered already" in act("answer_apart")
    assert Memory.objects.active().get() == new
    assert "1 undone." in act("undo_selected")
    assert Memory.objects.active().count() == 2


def test_what_the_pipeline_writes_can_not_be_changed_by_hand(ops: Client) -> None:
    for name in ("conversation", "job", "decision", "erasure"):
        assert ops.get(reverse(f"admin:memory_{name}_add")).status_code == 403


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"everyone": False}, "The flag chatgpt_memory is off: no memories are made of messages."),
        ({"percent": 12.5}, "The flag chatgpt_memory is on for 12.5 % of users"),
        ({"percent": 100}, ""),
    ],
)
def test_an_empty_list_of_memories_names_the_flag_that_keeps_them_from_being_made(
    ops: Client, fields: dict[str, Any], said: str
) -> None:
    make_flag(CHATGPT_MEMORY.name, **fields)
    url = reverse("admin:memory_memory_changelist")
    page = ops.get(url).content.decode()
    assert ("The flag chatgpt_memory" in page) is bool(said)
    assert said in page
    make_memory()
    assert "The flag chatgpt_memory" not in ops.get(url).content.decode()


def test_a_memorys_page_shows_which_variants_its_user_gets(ops: Client) -> None:
    make_flag(CHATGPT_MEMORY.name, 100)
    make_flag(REAL_TIME_DEDUP.name, 100, everyone=False)
    memory = make_memory()
    page = ops.get(reverse("admin:memory_memory_change", args=[memory.pk])).content.decode()
    assert "chatgpt_memory: <strong>on</strong>" in page
    assert "real_time_dedup: <strong>off</strong>" in page
    assert "circuit_breakers" not in page
    assert f"{reverse('rollouts-unit')}?unit=mara&amp;workspace={memory.workspace_id}" in page
