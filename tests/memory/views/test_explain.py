from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from memory.models import Conversation, Served, Workspace
from tests.make import make_conversation, make_memory, make_workspace, say, work
from tests.memory.views.memories_made import make_reader

pytestmark = pytest.mark.django_db
PAGE = "/memories/explain/"


@pytest.fixture
def home(transactional_db: None) -> Workspace:
    home = make_workspace()
    make_memory("Lives in Leeds", home, kind="place", pinned=True)
    make_memory("Works as a baker in York", home, kind="work")
    return home


def shown(client: Client, status: int = 200, **query: str) -> str:
    answer = client.get(PAGE, query)
    assert answer.status_code == status
    return answer.content.decode()


def spoken(home: Workspace) -> Conversation:
    conversation = make_conversation(home)
    say(conversation, "My brother is called Tomasz.", "We went to Gdansk in June.")
    work(conversation)
    return conversation


def test_a_question_shows_its_plan_its_hits_and_where_their_scores_come_from(
    admin_client: Client, home: Workspace
) -> None:
    page = shown(admin_client, user="mara", q="Which city do I live in?")
    assert "exact</span>" in page
    assert "All 2 memories are read" in page
    assert "the scope is not in it" in page
    assert "read and compare" in page
    assert "pinned 1.1" in page
    assert page.index("Lives in Leeds") < page.index("Works as a baker")


def test_messages_are_shown_with_what_each_sign_added(admin_client: Client, home: Workspace) -> None:
    spoken(home)
    page = shown(admin_client, user="mara", q="What is the name of my brother?")
    assert "My brother is called Tomasz." in page
    assert "meaning 0." in page


def test_who_may_not_read_conversations_is_shown_no_message(client: Client, home: Workspace) -> None:
    spoken(home)
    client.force_login(make_reader())
    page = shown(client, user="mara", q="brother")
    assert "needs the permission to view conversations" in page
    assert "My brother is called Tomasz." not in page


def test_the_context_is_shown_as_it_would_be_and_nothing_counts_as_told(admin_client: Client, home: Workspace) -> None:
    page = shown(admin_client, user="mara", q="Where do I live?")
    context = page[page.index('id="x-context"') :]
    assert "of 2,000 tokens" in context
    assert "Lives in Leeds" in context
    assert not Served.objects.exists()


def test_filters_narrow_the_hits_and_what_is_wrong_with_one_stands_at_the_field(
    admin_client: Client, home: Workspace
) -> None:
    page = shown(admin_client, user="mara", q="Leeds or York", filters='{"kind": "work"}')
    hits = page[page.index('id="x-hits"') : page.index('id="x-messages"')]
    assert "York" in hits
    assert "Leeds" not in hits
    wrong = shown(admin_client, 422, user="mara", q="Leeds", filters='{"kind": {"regex": "w.*"}}')
    assert "kind.regex regular expressions and patterns are not offered" in wrong
    assert 'aria-invalid="true"' in wrong
    assert "Must be a JSON object" in shown(admin_client, 422, user="mara", filters="{")
    assert "Must be 1 to 50" in shown(admin_client, 422, user="mara", limit="1000")
    assert "Name the user" in shown(admin_client, 422, q="Leeds")


def test_a_question_of_a_user_whom_nobody_knows_finds_nothing(admin_client: Client, home: Workspace) -> None:
    page = shown(admin_client, user="nobody", q="Leeds")
    assert "No memory is found" in page
    assert "No message is found" in page
    assert "Ask a question" in shown(admin_client)


def test_the_page_needs_the_permission_to_read_memories(client: Client) -> None:
    client.force_login(User.objects.create_user("guest"))
    assert client.get(PAGE).status_code == 403
