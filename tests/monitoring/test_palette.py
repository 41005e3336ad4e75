from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from flags.models import Flag
from memory.models import Job, State
from monitoring.console import palette
from monitoring.console.palette import Hit
from tests.make import make_conversation, make_memory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ops() -> User:
    return User.objects.create_superuser("ops")


def kinds(text: str, user: User) -> dict[str, list[str]]:
    return {group.kind: [hit.title for hit in group.hits] for group in palette.find(text, user)}


def test_things_are_found_by_name_by_the_start_of_their_id_and_by_words(ops: User) -> None:
    memory = make_memory("Is allergic to hazelnuts")
    make_conversation(memory.workspace, user_id="mara-7")
    job = Job.objects.create(workspace=memory.workspace, kind="process_messages", available_at=timezone.now())
    Flag.objects.create(name="enhanced_prompts", percent=Decimal(25))
    assert kinds("Queu", ops)["Pages"] == ["Queues"]
    assert kinds("prompts", ops)["Flags"] == ["enhanced_prompts"]
    assert kinds("mara-", ops)["Users"] == ["mara-7"]
    assert kinds("hazelnuts", ops)["Memories"] == ["Is allergic to hazelnuts"]
    assert kinds(str(memory.pk)[:30], ops)["Memories"] == ["Is allergic to hazelnuts"]
    assert kinds(str(job.pk)[:30].upper(), ops)["Jobs"] == [str(job.pk)]
    assert kinds("ha", ops).get("Memories") is None


def test_what_was_forgotten_is_never_found_and_others_find_no_texts(ops: User) -> None:
    memory = make_memory("Is allergic to hazelnuts")
    reader = User.objects.create_user("reader")
    assert "Memories" in kinds("hazelnuts", ops)
    assert set(kinds("hazelnuts", reader)) == set()
    memory.state = State.FORGOTTEN  # as forgetting does, but for the text, which must not be what hides it
    memory.save()
    assert "Memories" not in kinds("hazelnuts", ops)
    assert "Memories" not in kinds(str(memory.pk)[:30], ops)


def test_few_of_a_kind_are_shown_and_one_kind_that_fails_takes_none_from_the_others(
    ops: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(text: str, user: User, limit: int) -> list[Hit]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(2)")
        return []

    monkeypatch.setattr(palette, "_searches", dict(palette._searches))
    palette.register("Slow", broken)
    palette.register("Many", lambda text, user, limit: [Hit(str(n), "/") for n in range(limit)])
    found = kinds("over", ops)
    assert "Slow" not in found
    assert len(found["Many"]) == palette.MOST
    assert found["Pages"] == ["Overview"]


def test_the_palette_works_as_a_list_and_as_a_page(client: Client, ops: User) -> None:
    assert client.get("/find/list/?q=over").status_code == 302
    client.force_login(ops)
    listed = client.get("/find/list/?q=over").content.decode()
    assert 'role="option"' in listed
    assert 'href="/"' in listed
    page = client.get("/find/?q=<b>" + "x" * 200).content.decode()
    assert "Nothing is called “&lt;b&gt;xxx" in page
