from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from memory.load.read import read
from memory.load.records import Bad, Turn


def write(folder: Path, name: str, document: Any) -> Path:
    file = folder / name
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return file


def turns(file: Path) -> list[Turn]:
    records = list(read(file, user_id="me"))
    assert [record for record in records if isinstance(record, Bad)] == []
    return [record for record in records if isinstance(record, Turn)]


def node(id: str, parent: str | None, role: str | None, text: str, time: float | None = None) -> dict[str, Any]:
    content = {"content_type": "text", "parts": [text]}
    message = {"id": id, "author": {"role": role}, "content": content, "create_time": time} if role else None
    return {"id": id, "parent": parent, "message": message}


def test_a_chatgpt_export_is_read_along_the_branch_that_was_shown(tmp_path: Path) -> None:
    nodes = [
        node("root", None, None, ""),
        node("sys", "root", "system", ""),
        node("u1", "sys", "user", "I live in Leeds.", 1760000000.5),
        node("a-old", "u1", "assistant", "First try", 1760000001),
        node("a-new", "u1", "assistant", "Second try", 1760000002),
        node("t", "a-new", "tool", "output", 1760000003),
        node("u2", "t", "user", "Thanks", 1760000004),
    ]
    export = [{"conversation_id": "c-9", "title": "x", "mapping": {n["id"]: n for n in nodes}, "current_node": "u2"}]
    read_turns = turns(write(tmp_path, "conversations.json", export))
    assert [(t.message.external_id, t.message.role, t.message.content) for t in read_turns] == [
        ("u1", "user", "I live in Leeds."),
        ("a-new", "assistant", "Second try"),
        ("u2", "user", "Thanks"),
    ]
    assert read_turns[0].message.said_at == datetime.fromtimestamp(1760000000.5, UTC)
    assert {(t.conversation, t.user_id) for t in read_turns} == {("c-9", "me")}


def test_a_chatgpt_export_without_a_current_node_ends_at_its_newest_message(tmp_path: Path) -> None:
    nodes = [node("u", None, "user", "one", 1), node("b", "u", "assistant", "new", 3), node("a", "u", "user", "old", 2)]
    file = write(tmp_path, "c.json", [{"id": "c", "mapping": {n["id"]: n for n in nodes}}])
    assert [t.message.content for t in turns(file)] == ["one", "new"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_openai_messages_are_read_bare_or_wrapped_with_parts(tmp_path: Path, wrapped: bool) -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "image_url", "image_url": {}}]},
    ]
    file = write(tmp_path, "chat.json", {"messages": messages, "user": "mara"} if wrapped else messages)
    read_turns = turns(file)
    assert [(t.message.role, t.message.content, t.message.external_id) for t in read_turns] == [
        ("system", "Be brief.", "1"),
        ("user", "Hello", "2"),
    ]
    assert {(t.conversation, t.user_id) for t in read_turns} == {("chat", "mara" if wrapped else "me")}


def test_locomo_is_read_session_by_session_with_names_and_dates(tmp_path: Path) -> None:
    talk = {
        "speaker_a": "Ann",
        "speaker_b": "Bo",
        "session_2_date_time": "1:56 pm on 8 May, 2026",
        "session_2": [{"speaker": "Bo", "dia_id": "D2:1", "text": "I moved."}],
        "session_10": [{"speaker": "Ann", "dia_id": "D10:1", "text": "Last"}],
    }
    read_turns = turns(write(tmp_path, "locomo.json", [{"sample_id": "conv-1", "conversation": talk, "qa": []}]))
    assert [(t.message.external_id, t.message.name) for t in read_turns] == [("D2:1", "Bo"), ("D10:1", "Ann")]
    assert read_turns[0].message.said_at == datetime(2026, 5, 8, 13, 56, 30, tzinfo=UTC)
    assert read_turns[0].user_id == "conv-1"


def test_bad_lines_are_reported_by_number_and_the_rest_is_kept(tmp_path: Path) -> None:
    lines = [
        json.dumps({"role": "user", "content": "one", "conversation": "c", "user_id": "mara"}),
        "{broken",
        "",
        json.dumps({"role": "wizard", "content": "x"}),
        json.dumps({"role": "user"}),
        json.dumps({"role": "user", "content": "y", "created_at": "soon"}),
        json.dumps({"role": "user", "content": "x" * 40_000}),
        json.dumps(["user", "x"]),
        json.dumps({"role": "user", "content": "two", "conversation": "c", "user_id": "mara"}),
    ]
    records = list(read(write(tmp_path, "chat.jsonl", "\n".join(lines)), user_id="me"))
    bad = [record.where for record in records if isinstance(record, Bad)]
    assert bad == [f"chat, line {number}" for number in (2, 4, 5, 6, 7, 8)]
    kept = [(r.message.content, r.message.external_id) for r in records if isinstance(r, Turn)]
    assert kept == [("one", "1"), ("two", "2")]


@pytest.mark.parametrize("document", ["", "[]", "{}", '{"mapping": 3}', "[[1]]", "null", '"text"', "\x00\xff", "[{}]"])
def test_nonsense_is_reported_and_never_raises(tmp_path: Path, document: str) -> None:
    assert not [r for r in read(write(tmp_path, "x.json", document), user_id="me") if isinstance(r, Turn)]
