"""Settings through the API and on their page: what holds, what would change, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from memory import tuning
from memory.models import Decision, Tuning, Workspace
from memory.tuning import Terms
from tests.make import make_conversation, make_memory, make_terms, make_tools, make_workspace, say, texts, work
from tests.memory.api.conftest import Api
from tests.memory.api.conftest import make_api as make_api

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(make_api: Callable[..., Api]) -> Api:
    return make_api(scope="admin")


@pytest.fixture
def ops() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ops", password="not-used-here"))
    return client


def make_decided(workspace: Workspace, fact: str, other: str, similarity: float) -> Decision:
    """A decision whose trace has one candidate, which is stored as a memory."""
    known = make_memory(other, workspace)
    trace = [{"id": str(known.pk), "similarity": similarity, "guards": [], "outcome": "added"}]
    return Decision.objects.create(workspace=workspace, user_id="mara", outcome="added", text=fact, trace=trace)


def test_settings_are_read_with_defaults_and_bounds_changed_and_listed(admin: Api) -> None:
    status, held = admin.get("settings")
    assert (status, held["version"], held["changed"]) == (200, 0, {})
    same = next(each for each in held["settings"] if each["path"] == "dedupe.same")
    default = Terms().dedupe.same
    assert (same["value"], same["default"], same["least"], same["most"]) == (default, default, 0, 1)
    body = {"terms": {"context": {"considered": 5}}, "expect": 0, "reason": "shorter prompts"}
    status, held = admin.call("PUT", "settings", body)
    assert (status, held["version"], held["changed"]) == (200, 1, {"context": {"considered": 5}})
    assert tuning.current(admin.workspace.pk).context.considered == 5
    assert admin.call("PUT", "settings", body)[0] == 409
    assert admin.post("settings/revert", {"number": 0, "expect": 1})[1]["changed"] == {}
    history = admin.get("settings/history")[1]["items"]
    assert [(each["number"], each["reason"]) for each in history] == [
        (2, "Back to version 0."), (1, "shorter prompts"),
    ]  # fmt: skip


def test_what_can_not_be_meant_is_422_with_its_path_and_writers_may_not_change(
    admin: Api, make_api: Callable[..., Api]
) -> None:
    status, problem = admin.call("PUT", "settings", {"terms": {"dedupe": {"same": 3}}})
    assert status == 422
    assert problem["errors"] == [{"field": "dedupe.same", "message": "must be less than or equal to 1, got 3"}]
    assert make_api().call("PUT", "settings", {"terms": {}})[0] == 403


def test_a_preview_takes_decisions_and_questions_again_and_changes_nothing(admin: Api) -> None:
    make_decided(admin.workspace, "Lives in Leeds", "Has a home in Leeds", 0.7)
    gone = make_decided(admin.workspace, "Owns a boat", "Owns a ship", 0.7)
    other = gone.trace[0]["id"]
    make_memory("Works at the harbour", admin.workspace, kind="work")
    make_memory("Walks to the harbour", admin.workspace, kind="habit")
    assert admin.call("DELETE", f"memories/{other}")[0] == 200
    body = {
        "terms": {"dedupe": {"same": 0.3, "unsure": 0.2}, "retrieval": {"kinds": {"habit": 0.5, "work": -0.5}}},
        "queries": [{"user_id": "mara", "query": "Who works at the harbour?"}],
    }
    status, found = admin.post("settings/preview", body)
    assert status == 200
    decisions = found["decisions"]
    assert (decisions["replayed"], decisions["forgotten"], decisions["pairs"]) == (1, 1, 1)
    [asked] = found["queries"]
    assert asked["before"][0]["text"] == "Works at the harbour"
    assert (asked["after"][0]["text"], asked["is_changed"]) == ("Walks to the harbour", True)
    assert not Tuning.objects.exists()


def test_the_page_shows_defaults_previews_saves_and_shows_an_earlier_version(ops: Client) -> None:
    workspace = make_workspace()
    make_memory("Works at the harbour", workspace)
    url = reverse("tuning", args=[workspace.pk])
    page = ops.get(url).content.decode()
    assert "Default 0.4. 0 to 1. Of the window stays, at most." in page
    sent: dict[str, Any] = {"version": "0", "window.keep": "0.3", "extraction.kinds": ["work", "place"]}
    looked = ops.post(url, sent | {"preview": "1", "questions": "mara: harbour"}).content.decode()
    assert "Works at the harbour" in looked
    assert "as before" in looked
    assert not Tuning.objects.exists()
    assert ops.post(url, sent | {"save": "1", "reason": "try it"}).status_code == 302
    saved = Tuning.objects.get()
    assert saved.terms == {"window": {"keep": 0.3}, "extraction": {"kinds": ["work", "place"]}}
    assert (saved.actor, saved.reason) == ("ops", "try it")
    late = ops.post(url, sent | {"save": "1", "window.keep": "0.2"})
    assert (late.status_code, "at version 1 by now, not 0" in late.content.decode()) == (409, True)
    wrong = ops.post(url, sent | {"save": "1", "window.keep": "much"})
    assert (wrong.status_code, "got &#x27;much&#x27;" in wrong.content.decode()) == (422, True)
    earlier = ops.get(f"{url}?number=0").content.decode()
    assert "The form shows the defaults" in earlier


def test_only_who_may_change_settings_sees_the_page(client: Client) -> None:
    workspace = make_workspace()
    client.force_login(User.objects.create_user("reader", password="not-used-here"))
    assert client.get(reverse("tuning", args=[workspace.pk])).status_code == 403


def test_the_admin_lists_versions_and_leads_to_the_page(ops: Client) -> None:
    workspace = make_workspace()
    made = Tuning.objects.create(workspace=workspace, number=1, terms={}, actor="ada")
    assert "ada" in ops.get(reverse("admin:memory_tuning_changelist")).content.decode()
    answer = ops.get(reverse("admin:memory_tuning_change", args=[made.pk]))
    assert answer.headers["Location"] == f"{reverse('tuning', args=[workspace.pk])}?number=1"


def test_a_workspace_chooses_what_is_remembered() -> None:
    conversation = make_conversation()
    say(conversation, "I'm allergic to peanuts.", "I live in Leeds.")
    terms = make_terms(extraction={"kinds": ["health"]})
    work(conversation, tools=make_tools(terms=lambda workspace_id: terms))
    assert texts(conversation) == ["Is allergic to peanuts"]
    say(conversation, "I live in York.")
    terms = make_terms(extraction={"least_importance": 1.0})
    work(conversation, tools=make_tools(terms=lambda workspace_id: terms))
    assert texts(conversation) == ["Is allergic to peanuts"]
