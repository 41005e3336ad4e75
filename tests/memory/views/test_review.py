from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from memory.models import Decision, Memory, Outcome, State
from tests.make import make_memory, make_workspace

pytestmark = pytest.mark.django_db
PAGE = "/memories/review/"


def make_question(a: str = "Pays 900 for the flat", b: str = "Pays 950 for the flat", user: str = "mara") -> Decision:
    workspace = make_workspace()
    older, newer = (make_memory(text, workspace, user_id=user) for text in (a, b))
    guards = [{"guard": "number", "a": ["950"], "b": ["900"]}]
    trace = [{"id": str(older.pk), "similarity": 0.9, "score": 0.7, "relation": "unsure", "guards": guards}]
    return Decision.objects.create(
        workspace=workspace,
        user_id=user,
        outcome=Outcome.REVIEW,
        memory=newer,
        other=older,
        text=b,
        trace=trace,
        thresholds={"same": 0.8},
    )


def answer(client: Client, question: Decision, as_: str, **fields: str) -> str:
    sent = client.post(reverse("review-resolve", args=[question.pk, as_]), fields, follow=True)
    assert sent.status_code == 200
    return sent.content.decode()


def test_a_question_shows_both_texts_what_differs_and_what_each_answer_does(admin_client: Client) -> None:
    make_question()
    page = admin_client.get(PAGE).content.decode()
    assert "Pays <mark>950</mark> for the flat" in page
    assert "Pays <mark>900</mark> for the flat" in page
    assert "Number 950, 900" in page
    assert all(f'data-key="{key}"' in page for key in "123")


def test_an_answer_decides_and_goes_on_to_the_next_question(admin_client: Client) -> None:
    first, second = make_question(), make_question("Drives a red car", "Drives a blue car", user="noor")
    page = answer(admin_client, second, "replace", next=f"{PAGE}?open={first.pk}")
    assert "Pays <mark>" in page
    second.refresh_from_db()
    assert (second.resolution, second.resolved_by, second.reason) == ("superseded", "admin", "reviewed in the console")
    assert Memory.objects.get(text="Drives a red car").state == State.SUPERSEDED
    assert reverse("memory-undo", args=[second.pk]) in page


def test_a_question_whose_memory_changed_meanwhile_is_closed_and_says_so(admin_client: Client) -> None:
    question = make_question()
    assert question.other is not None
    Memory.objects.filter(pk=question.other.pk).update(state=State.SUPERSEDED)
    assert "The question is closed" in answer(admin_client, question, "same")
    assert "No question waits" in admin_client.get(PAGE).content.decode()


def test_an_answer_leads_nowhere_but_to_the_queue(admin_client: Client) -> None:
    sent = admin_client.post(
        reverse("review-resolve", args=[make_question().pk, "apart"]), {"next": "//evil.example/memories/review/"}
    )
    assert sent["Location"] == PAGE


def test_who_may_only_read_sees_disabled_answers_and_cannot_answer(
    client: Client, django_user_model: type[User]
) -> None:
    question = make_question()
    user = django_user_model.objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_memory"))
    client.force_login(user)
    assert "Needs the permission to change memories" in client.get(PAGE).content.decode()
    assert client.post(reverse("review-resolve", args=[question.pk, "same"])).status_code == 403


def test_an_answer_that_does_not_exist_is_not_found(admin_client: Client) -> None:
    assert admin_client.post(reverse("review-resolve", args=[make_question().pk, "maybe"])).status_code == 404


def test_the_page_asks_as_often_for_one_question_as_for_twenty(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        make_question(user=f"user-{number}")
    with django_assert_max_num_queries(14):
        admin_client.get(PAGE)
