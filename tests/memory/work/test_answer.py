from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from memory.models import JobState
from memory.providers import configured
from memory.providers.base import Completion, ProviderError, ProviderUnavailableError, Turn
from tests.make import NOW, make_conversation, make_memory, make_workspace, say
from tests.memory.work.doubles import ask, result_of, run_due

pytestmark = pytest.mark.django_db


@dataclass
class Echo:
    """A chat model that says how often it was asked."""

    model: str = "echo-1"
    problem: ProviderError | None = None
    asked: list[Sequence[Turn]] = field(default_factory=list)

    def complete(self, turns: Sequence[Turn], **options: Any) -> Completion:
        if self.problem is not None:
            raise self.problem
        self.asked.append(turns)
        return Completion(f"answer {len(self.asked)}", self.model, 100, 10)


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Echo:
    echo = Echo()
    monkeypatch.setattr(configured, "chat", lambda: echo)
    return echo


def answer(memory: Any, query: str, **more: Any) -> dict[str, Any]:
    job = ask(memory.workspace, "generate_response", query=query, **more)
    run_due(memory.workspace)
    result = result_of(job)
    assert job.state == JobState.SUCCEEDED, job.error
    return result


def test_the_model_is_asked_with_what_memory_knows(echo: Echo) -> None:
    memory = make_memory("Is allergic to peanuts")
    told = answer(memory, "What must I not eat?", instructions="Answer in one word.")
    assert (told["answer"], told["model"], told["tokens"]) == ("answer 1", "echo-1", {"prompt": 100, "completion": 10})
    assert (told["degraded"], told["cached"]) == ([], "")
    system, question = echo.asked[0]
    assert system.content.startswith("Answer in one word.")
    assert "- Is allergic to peanuts" in system.content
    assert (question.role, question.content) == ("user", "What must I not eat?")


def test_the_conversation_is_part_of_what_is_known(echo: Echo) -> None:
    conversation = make_conversation()
    say(conversation, "We meet at the harbour.")
    answer(conversation, "Where do we meet?", conversation=str(conversation.pk))
    assert "user: We meet at the harbour." in echo.asked[0][0].content


def test_the_same_question_is_answered_from_the_cache_until_something_is_learned(echo: Echo) -> None:
    memory = make_memory("Is allergic to peanuts")
    assert answer(memory, "What must I not eat?")["cached"] == ""
    assert answer(memory, "What must I not eat?")["cached"] == "exact"
    make_memory("Is allergic to milk", workspace=memory.workspace)
    assert answer(memory, "What must I not eat?")["answer"] == "answer 2"
    assert answer(memory, "What must I not eat?", cached=False)["answer"] == "answer 3"


def test_a_question_in_other_words_of_no_weight_is_the_same_one_and_another_number_is_not(echo: Echo) -> None:
    memory = make_memory("Saved 500 euros")
    answer(memory, "What can I buy with the 500 euros?")
    similar = answer(memory, "What can I buy with my 500 euros?")
    assert (similar["cached"], similar["answer"]) == ("similar", "answer 1")
    assert answer(memory, "What can I buy with the 5000 euros?")["cached"] == ""


def test_answers_are_not_shared_between_users(echo: Echo) -> None:
    memory = make_memory()
    answer(memory, "Where do I live?")
    job = ask(memory.workspace, "generate_response", user_id="jonas", query="Where do I live?")
    run_due(memory.workspace, user_id="jonas")
    job.refresh_from_db()
    assert (result_of(job)["answer"], result_of(job)["cached"]) == ("answer 2", "")


def test_without_a_model_memory_answers_itself_and_says_so() -> None:
    told = answer(make_memory("Is allergic to peanuts"), "What must I not eat?")
    assert told["answer"] == "- Is allergic to peanuts"
    assert told["degraded"] == ["No chat provider is configured: what memory knows is the answer."]


def test_a_model_that_is_away_is_answered_for_and_asked_again_the_next_time(echo: Echo) -> None:
    memory = make_memory("Is allergic to peanuts")
    echo.problem = ProviderUnavailableError("away")
    told = answer(memory, "What must I not eat?")
    assert told["answer"] == "- Is allergic to peanuts"
    assert "ProviderUnavailableError" in told["degraded"][0]
    echo.problem = None
    assert answer(memory, "What must I not eat?")["answer"] == "answer 1"


def test_who_knows_nothing_says_so() -> None:
    workspace = make_workspace()
    job = ask(workspace, "generate_response", query="Where do I live?")
    run_due(workspace)
    job.refresh_from_db()
    assert result_of(job)["answer"] == "Nothing is known about that yet."
    assert job.finished_at == NOW
