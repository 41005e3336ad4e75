"""What is used is counted, and made again before somebody asks."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from flags import rollout
from memory import caching
from memory.api.hot import key_of
from memory.caching import Used, Warmed, warming
from memory.caching.store.usage import HOUR_S, KEPT, MOST, RECIPE_LIMIT
from memory.context import shape_of
from memory.errors import InvalidError, NotFoundError
from tests.make import make_conversation, say
from tests.memory.api.conftest import Api
from tests.memory.caching.made import Clock, make_cache


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A cache among the named ones, with a maker."""
    cache = make_cache(clock=Clock())
    monkeypatch.setitem(caching.CACHES, cache.policy.name, cache)
    monkeypatch.setattr(warming, "_makers", {})
    return cache


def use(cache: Any, **times: int) -> None:
    for key, number in times.items():
        for _ in range(number):
            cache.get("w:a", key, recipe=f"how to {key}".encode())
    cache.usage.tell(cache.link, now=cache.clock())


def test_the_most_used_keys_are_known_over_processes_with_what_was_asked() -> None:
    cache = make_cache()
    other = make_cache(name=cache.policy.name)
    for key in ("a", "b", "c"):
        cache.keep("w:a", key, b"1")
    use(cache, a=3, b=1)
    use(other, b=4, c=2)
    top = cache.usage.top(cache.link, now=cache.clock(), limit=2)
    assert top == [Used("w:a", "b", 5, b"how to b"), Used("w:a", "a", 3, b"how to a")]


def test_uses_are_forgotten_after_two_hours_at_most() -> None:
    clock = Clock()
    cache = make_cache(clock=clock)
    cache.keep("w:a", "a", b"1", ttl_s=60)
    use(cache, a=2)
    clock.pass_s(HOUR_S)
    assert [used.uses for used in cache.usage.top(cache.link, now=clock(), limit=9)] == [2]
    clock.pass_s(HOUR_S)
    assert cache.usage.top(cache.link, now=clock(), limit=9) == []


def test_what_is_counted_is_bounded_in_the_process_and_in_redis() -> None:
    cache = make_cache()
    for number in range(MOST + 50):
        cache.usage.hit("w:a", f"k{number}", b"x" * (RECIPE_LIMIT + 1 if number else 1))
    cache.usage.hit("w:a", "k0")
    cache.usage.tell(cache.link, now=cache.clock())
    top = cache.usage.top(cache.link, now=cache.clock(), limit=10_000)
    assert len(top) == KEPT
    assert top[0] == Used("w:a", "k0", 2, b"x")
    assert not any(used.recipe for used in top[1:]), "what asked with too much is not kept"


def test_warming_makes_what_is_missing_most_used_first_within_its_scope(made: Any) -> None:
    asked: list[str] = []

    def make(used: Used) -> bytes | None:
        asked.append(used.key)
        return None if used.key == "d" else b"new " + used.recipe

    caching.register_maker(made.policy.name, make)
    for key in ("a", "b", "c", "d"):
        made.keep("w:a", key, b"old")
    made.keep("x:a", "a", b"old")
    use(made, a=4, b=3, c=2, d=1)
    for _ in range(9):
        made.get("x:a", "a")
    use(made)
    for key in ("a", "b", "d"):
        made.forget("w:a", key)
    made.forget("x:a", "a")
    assert caching.warm(made.policy.name, scope="w:") == Warmed(made=2, fresh=1, gone=1)
    assert asked == ["a", "b", "d"]
    assert made.get("w:a", "b") == b"new how to b"


def test_warming_is_no_use_and_stops_at_its_bounds(made: Any) -> None:
    caching.register_maker(made.policy.name, lambda used: b"new")
    made.keep("w:a", "a", b"old")
    made.keep("w:a", "b", b"old")
    use(made, a=2, b=1)
    made.forget("w:a", "a", "b")
    assert caching.warm(made.policy.name, limit=1) == Warmed(made=1)
    assert caching.warm(made.policy.name, within_s=0) == Warmed(left=2)
    made.usage.tell(made.link, now=made.clock())
    assert [used.uses for used in made.usage.top(made.link, now=made.clock(), limit=9)] == [2, 1]


def test_a_value_that_its_user_has_changed_while_it_was_warmed_is_not_kept(made: Any) -> None:
    def make(used: Used) -> bytes:
        made.forget_namespaces(["w:a"])
        return b"overtaken"

    caching.register_maker(made.policy.name, make)
    made.keep("w:a", "a", b"old")
    use(made, a=1)
    made.forget("w:a", "a")
    caching.warm(made.policy.name)
    assert made.get("w:a", "a") is None


def test_one_that_is_gone_does_not_stop_the_others(made: Any) -> None:
    def make(used: Used) -> bytes:
        if used.key == "a":
            raise NotFoundError("erased")
        return b"new"

    caching.register_maker(made.policy.name, make)
    for key in ("a", "b"):
        made.keep("w:a", key, b"old")
    use(made, a=2, b=1)
    made.forget("w:a", "a", "b")
    assert caching.warm(made.policy.name) == Warmed(made=1, gone=1)


@pytest.mark.parametrize("name", ["nonsense", "tool"])
def test_a_cache_that_does_not_exist_or_has_no_maker_is_refused_by_name(name: str) -> None:
    with pytest.raises(InvalidError, match="cache: .*'" + name):
        caching.warm(name)


def test_the_uses_of_the_named_caches_are_told_together() -> None:
    workspace = uuid.uuid4()
    looked = caching.look_up_context(workspace, "mara", "digest")
    caching.keep_context(workspace, "mara", "digest", b"{}", looked.version)
    caching.peek_context(workspace, "mara", "digest", asked=b"body")
    now = caching.CONTEXT.clock()
    caching.TELLER.tell(now=now)
    top = caching.CONTEXT.usage.top(caching.CONTEXT.link, now=now, limit=100)
    assert Used(f"{workspace}:mara", "digest", 1, b"body") in top


@pytest.mark.django_db(transaction=True)
def test_a_users_conversation_and_context_are_warmed_after_a_write_and_show_it(api: Api) -> None:
    conversation = make_conversation(api.workspace)
    say(conversation, "I live in Leeds.")
    question = {"user_id": "mara", "conversation_id": str(conversation.pk), "budget_tokens": 500}
    first = api.post("context", question)[1]
    api.post("context", question)
    caching.CONVERSATION.usage.hit(f"{api.workspace.pk}:mara", str(conversation.pk))
    caching.TELLER.tell(now=caching.CONTEXT.clock())
    say(conversation, "I moved to York.")
    assert caching.warm("conversation") == Warmed(made=1)
    assert caching.warm("context") == Warmed(made=1)
    shape = shape_of(api.workspace.pk, "mara", rollout.is_on)
    key = key_of(json.dumps(question).encode(), "", shape)
    warmed = caching.peek_context(api.workspace.pk, "mara", key)
    assert warmed is not None
    assert warmed != first
    assert json.loads(warmed) == api.post("context", question)[1]
    assert "York" in json.loads(warmed)["text"]


@pytest.mark.django_db(transaction=True)
def test_a_conversation_is_read_from_the_database_once_until_somebody_writes(api: Api) -> None:
    conversation = make_conversation(api.workspace)
    say(conversation, "I live in Leeds.")

    def ask(query: str) -> tuple[str, int]:
        with CaptureQueriesContext(connection) as queries:
            answer = api.post("context", {"user_id": "mara", "conversation_id": str(conversation.pk), "query": query})
        return answer[1]["text"], sum("memory_conversation" in query["sql"] for query in queries)

    assert [ask("Leeds?")[1], ask("York?")[1]] == [1, 0]
    say(conversation, "I moved to York.")
    text, reads = ask("Where?")
    assert reads == 1
    assert "York" in text
