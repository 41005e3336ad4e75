"""Both sides of each flag that memory asks for, through the paths that people use."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from flags import snapshot
from flags.models import Flag
from memory.catalogue import ALL, CHATGPT_MEMORY, CIRCUIT_BREAKERS, NOTHING_REMEMBERED, REAL_TIME_DEDUP
from memory.models import Conversation, Job, JobState, Memory, Message
from memory.providers.base import ProviderOpenError, ProviderUnavailableError
from memory.work.payloads import Dedupe
from monitoring.breakers import Policy, State
from tests.flags.make import make_flag
from tests.make import NOW, make_conversation, make_memory, make_tools, say, texts, with_window, work
from tests.memory.api.conftest import Api
from tests.memory.providers.guard.made import Hand, Provider, make_guard
from tests.memory.work.doubles import result_of, run_due

pytestmark = pytest.mark.django_db

FACT, AGAIN = "Lives in the town of Leeds", "Lives in town of Leeds"


def switch(name: str, share: int) -> None:
    flag = Flag.objects.filter(name=name).first()
    if flag is None:
        make_flag(name, share)
    else:
        flag.percent = share
        flag.save()
        snapshot.forget()


def test_the_catalogue_is_what_the_mission_asks_for() -> None:
    assert {entry.name: (entry.is_enabled, int(entry.percent), entry.unit.value) for entry in ALL} == {
        "chatgpt_memory": (False, 10, "user"),
        "real_time_dedup": (True, 100, "user"),
        "enhanced_prompts": (False, 25, "user"),
        "batch_processing": (False, 50, "user"),
        "circuit_breakers": (True, 100, "service"),
    }
    assert CIRCUIT_BREAKERS.is_locked


def test_without_chatgpt_memory_messages_are_kept_and_summarised_and_nothing_is_remembered_of_them() -> None:
    switch(CHATGPT_MEMORY.name, 0)
    conversation = make_conversation()
    for number in range(12):
        say(conversation, f"I live in Leeds and on day {number} I walked {number + 2} dogs along the long canal.")
    work(conversation, tools=make_tools(**with_window(200, 60)))
    assert not Memory.objects.exists()
    assert not Message.objects.filter(processed_at=None).exists()
    assert Conversation.objects.get().summary
    job = Job.objects.filter(kind="process_messages").first()
    assert job is not None
    assert job.state == JobState.SUCCEEDED
    assert (result_of(job)["added"], result_of(job)["skipped"]) == ([], NOTHING_REMEMBERED)
    assert CHATGPT_MEMORY.name in NOTHING_REMEMBERED
    switch(CHATGPT_MEMORY.name, 100)
    say(conversation, "I live in York.")
    work(conversation)
    assert texts(conversation) == ["Lives in York"]


def test_a_text_to_be_read_for_facts_is_answered_with_what_keeps_it_off_and_one_as_it_is_is_kept(api: Api) -> None:
    switch(CHATGPT_MEMORY.name, 0)
    status, submitted = api.post("memories", {"user_id": "mara", "text": "I live in Leeds."})
    assert (status, submitted["reasons"]) == (202, [NOTHING_REMEMBERED])
    run_due(api.workspace, now=timezone.now())
    assert result_of(Job.objects.get())["skipped"] == NOTHING_REMEMBERED
    assert api.post("memories", {"user_id": "mara", "text": "Lives in Leeds", "infer": False})[0] == 201
    found = api.post("memories/search", {"user_id": "mara", "query": "Leeds"})[1]
    assert ([hit["text"] for hit in found["items"]], found["reasons"]) == (["Lives in Leeds"], [NOTHING_REMEMBERED])
    assert not found["degraded"]


def test_the_context_serves_what_is_stored_and_says_which_flag_is_off_until_it_is_on(api: Api) -> None:
    make_memory("Lives in Leeds", api.workspace)
    asked = {"user_id": "mara", "query": "Leeds?"}
    switch(CHATGPT_MEMORY.name, 0)
    for _ in range(2):  # the second time from the cache
        answer = api.post("context", asked)[1]
        assert (answer["reasons"], answer["degraded"]) == ([NOTHING_REMEMBERED], False)
        assert "Lives in Leeds" in answer["text"]
    switch(CHATGPT_MEMORY.name, 100)
    assert api.post("context", asked)[1]["reasons"] == []


def test_without_real_time_dedup_the_same_words_are_found_and_the_rest_is_left_to_the_batch_job(api: Api) -> None:
    switch(REAL_TIME_DEDUP.name, 0)
    for text in (FACT, AGAIN, FACT):
        assert api.post("memories", {"user_id": "mara", "text": text, "infer": False})[0] == 201
    assert list(Memory.objects.order_by("pk").values_list("text", flat=True)) == [FACT, AGAIN]
    conversation = make_conversation(api.workspace)
    say(conversation, "I play the cello.", "I play the cello!")
    work(conversation)
    assert texts(conversation) == [FACT, AGAIN, "Plays the cello"]
    waiting = Job.objects.get(kind="dedupe")
    assert (waiting.state, waiting.available_at, waiting.payload) == (
        JobState.PENDING,
        NOW + timedelta(minutes=5),
        Dedupe().model_dump(),
    )
    run_due(api.workspace, now=NOW + timedelta(minutes=6))
    assert texts(conversation) == [FACT, "Plays the cello"]


def test_with_real_time_dedup_a_near_duplicate_is_found_at_once(api: Api) -> None:
    for text in (FACT, AGAIN):
        api.post("memories", {"user_id": "mara", "text": text, "infer": False})
    assert [memory.text for memory in Memory.objects.all()] == [FACT]


def test_without_circuit_breakers_an_open_one_refuses_nothing_and_goes_on_counting() -> None:
    guard = make_guard(Hand(), policy=Policy(consecutive=2, open_s=60), attempts=1)
    broken = Provider(ProviderUnavailableError("no"))
    for _ in range(2):
        with pytest.raises(ProviderUnavailableError):
            guard.call(broken, operation="say")
    assert guard.breaker.state is State.OPEN
    with pytest.raises(ProviderOpenError):
        guard.call(Provider("here"), operation="say")
    make_flag(CIRCUIT_BREAKERS.name, 0, unit="service")
    assert guard.call(Provider("here"), operation="say") == "here"
    with pytest.raises(ProviderUnavailableError):
        guard.call(broken, operation="say")
    guard.breaker.fold()
    window = guard.breaker.era.window
    assert (window.ok, window.failed, guard.breaker.state) == (1, 1, State.OPEN)
    switch(CIRCUIT_BREAKERS.name, 100)
    with pytest.raises(ProviderOpenError):
        guard.call(Provider("here"), operation="say")
