"""The caches of one user: never older than the user's last write."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from memory import caching
from memory.caching.context import Row
from memory.errors import NotFoundError

WORKSPACE = uuid.uuid4()
THREAD = uuid.uuid4()
ROWS: list[Row] = [(uuid.uuid4(), "user", "", "I moved to Leeds."), (uuid.uuid4(), "assistant", "bot", "Noted: ü.")]


def answered(user: str, answer: bytes = b"{}") -> bytes | None:
    looked = caching.look_up_context(WORKSPACE, user, "digest")
    caching.keep_context(WORKSPACE, user, "digest", answer, looked.version)
    return caching.peek_context(WORKSPACE, user, "digest")


def test_writes_of_many_users_are_forgotten_together_and_others_stay() -> None:
    for user in ("mara", "tom", "ida"):
        assert answered(user) == b"{}"
    caching.forget_contexts([(WORKSPACE, "mara"), (WORKSPACE, "tom")])
    found = [caching.peek_context(WORKSPACE, user, "digest") for user in ("mara", "tom", "ida")]
    assert found == [None, None, b"{}"]
    caching.forget_contexts([])


def test_an_answer_without_a_version_is_not_kept() -> None:
    caching.keep_context(WORKSPACE, "mara", "digest", b"{}", None)
    assert caching.peek_context(WORKSPACE, "mara", "digest") is None


def reader(*answers: list[Row]) -> tuple[Callable[[], tuple[str, list[Row]]], list[int]]:
    calls: list[int] = []

    def read() -> tuple[str, list[Row]]:
        calls.append(1)
        return "A summary.", answers[min(len(calls), len(answers)) - 1]

    return read, calls


def test_a_conversation_is_read_once_until_its_user_writes() -> None:
    read, calls = reader(ROWS, ROWS[:1])
    for _ in range(2):
        assert caching.conversation(WORKSPACE, "mara", THREAD, read) == ("A summary.", ROWS)
    assert len(calls) == 1
    caching.forget_context(WORKSPACE, "mara")
    assert caching.conversation(WORKSPACE, "mara", THREAD, read) == ("A summary.", ROWS[:1])


def test_a_write_that_changed_no_message_leaves_the_conversation_and_drops_the_answers() -> None:
    read, calls = reader(ROWS)
    caching.conversation(WORKSPACE, "mara", THREAD, read)
    answered("mara")
    caching.forget_context(WORKSPACE, "mara", conversations=False)
    caching.conversation(WORKSPACE, "mara", THREAD, read)
    assert len(calls) == 1
    assert caching.peek_context(WORKSPACE, "mara", "digest") is None


def test_a_conversation_of_somebody_else_is_never_found_in_the_cache() -> None:
    caching.conversation(WORKSPACE, "mara", THREAD, reader(ROWS)[0])

    def refuse() -> tuple[str, list[Row]]:
        raise NotFoundError("no such conversation")

    for _ in range(2):
        with pytest.raises(NotFoundError):
            caching.conversation(WORKSPACE, "tom", THREAD, refuse)


def test_forgetting_a_user_leaves_nothing_of_theirs_in_redis() -> None:
    link = caching.CONTEXT.link
    caching.look_up_context(WORKSPACE, "mara", "digest", asked=b"what about my divorce?")
    answered("mara", b"the divorce")
    caching.peek_context(WORKSPACE, "mara", "digest", asked=b"what about my divorce?")
    caching.conversation(WORKSPACE, "mara", THREAD, reader(ROWS)[0])
    caching.RESPONSE.keep(caching.response_namespace(WORKSPACE, "mara"), "k", b"the divorce")
    caching.TELLER.tell(now=caching.CONTEXT.clock())
    answered("tom")
    caching.forget_user(WORKSPACE, "mara")
    left = [key.decode() for key in link.ask("KEYS", "*")]
    assert not [key for key in left if "mara" in key]
    for key in left:
        kind = link.ask("TYPE", key)
        read = {b"zset": ("ZRANGE", key, 0, -1), b"hash": ("HGETALL", key), b"set": ("SMEMBERS", key)}.get(kind)
        held = link.ask(*read) if read else []
        assert not [part for part in held if b"mara" in part or b"divorce" in part], key
    assert answered("tom") == b"{}"
