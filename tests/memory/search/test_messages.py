from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.conversation.ingest import append
from memory.errors import InvalidError, NotFoundError
from memory.models import Conversation, IndexedMessage, Tally
from memory.providers.base import Embedded
from memory.search.messages import FoundMessages, find, large, question, read, search
from memory.search.messages.scope import Scope
from memory.search.messages.words import BASES, plain
from tests.make import NOW, make_conversation, make_message, make_providers, make_workspace, work

pytestmark = pytest.mark.django_db
TALK = (
    ("Mara", "Hi Jonas! How was the weekend?"),
    ("Jonas", "Quiet, I went to the lake with the kids."),
    ("Mara", "Lovely. Which instrument did they give you when you were small?"),
    ("Jonas", "The cello, I have had it since I was six."),
    ("Mara", "I never learned to play anything. But I paint in the evenings."),
    ("Jonas", "Watercolours? My sister donated hers to a school in March."),
    ("Mara", "Oil, mostly. I sold two of them last year."),
    ("Jonas", "Well done! By the way, I signed up for the half marathon."),
)


def tell(talk: Sequence[tuple[str, str]] = TALK, at: datetime = NOW, **fields: Any) -> Conversation:
    """A conversation that was had a message a minute, and processed."""
    conversation = make_conversation(**fields)
    said = [
        make_message(text, name=name, external_id=str(number), said_at=at + timedelta(minutes=number))
        for number, (name, text) in enumerate(talk)
    ]
    append(workspace_id=conversation.workspace_id, conversation_id=conversation.pk, messages=said, now=NOW)
    work(conversation)
    return conversation


def ask(conversation: Conversation, query: str, **options: Any) -> FoundMessages:
    defaults: dict[str, Any] = {"user_id": conversation.user_id, "embed": make_providers().embed}
    return search(workspace_id=conversation.workspace_id, query=query, **defaults | options)


def texts(found: FoundMessages) -> list[str]:
    return [hit.content for hit in found.hits]


def test_an_answer_is_found_by_the_question_before_it_and_by_who_gave_it() -> None:
    found = ask(tell(), "Which instrument does Jonas play?", limit=3)
    assert texts(found)[0].startswith("The cello")
    assert found.hits[0].name == "Jonas"


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("Did Jonas go to a lake?", "Quiet, I went to the lake"),
        ("What did Mara sell last year?", "Oil, mostly. I sold two"),
        ("What race is Jonas going to run?", "Well done! By the way"),
    ],
)
def test_irregular_forms_and_meaning_are_found(query: str, answer: str) -> None:
    assert texts(ask(tell(), query))[0].startswith(answer)


def test_the_date_counts_as_if_it_had_been_said() -> None:
    conversation = tell((("", "I ran along the river."),), at=NOW.replace(month=5))
    later = make_conversation(conversation.workspace, user_id=conversation.user_id)
    said = [make_message("I ran along the river.", external_id="later", said_at=NOW.replace(month=8))]
    append(workspace_id=later.workspace_id, conversation_id=later.pk, messages=said, now=NOW)
    work(later)
    assert ask(conversation, "running in August").hits[0].external_id == "later"
    assert ask(conversation, "running in May").hits[0].external_id == "0"


def test_where_nobody_has_a_name_a_question_about_me_means_the_user() -> None:
    conversation = make_conversation()
    said = [make_message("Try the tagine at Zeitoun.", role=role, external_id=role) for role in ("user", "assistant")]
    append(workspace_id=conversation.workspace_id, conversation_id=conversation.pk, messages=said, now=NOW)
    work(conversation)
    assert ask(conversation, "What tagine did I talk of?").hits[0].role == "user"
    assert ask(conversation, "Which tagine did you talk of?").hits[0].role == "assistant"


def test_a_question_of_stop_words_is_answered_with_the_newest() -> None:
    conversation = tell()
    assert texts(ask(conversation, "and what of that?", limit=2)) == [TALK[-1][1], TALK[-2][1]]
    assert ask(make_conversation(), "lake").hits == []


def test_what_each_sign_adds_makes_up_the_score() -> None:
    for hit in ask(tell(), "Which instrument does Jonas play?").hits:
        assert sum(hit.added.values()) == pytest.approx(hit.score)
        assert 0 <= hit.score <= 1


def test_only_the_scope_is_searched() -> None:
    conversation, workspace = tell(), make_workspace()
    same = tell((("Jonas", "The cello is at the lake."),), workspace=workspace)
    assert texts(ask(same, "cello")) == ["The cello is at the lake."]
    assert ask(same, "cello", user_id="jonas").hits == []
    found = ask(conversation, "cello", user_id=None, conversation_id=conversation.pk)
    assert {hit.conversation_id for hit in found.hits} == {conversation.pk}
    with pytest.raises(NotFoundError, match="in this workspace"):
        ask(same, "cello", user_id=None, conversation_id=conversation.pk)
    with pytest.raises(NotFoundError, match="of this user"):
        ask(conversation, "cello", user_id="jonas", conversation_id=conversation.pk)
    with pytest.raises(InvalidError, match="name the user or the conversation"):
        ask(conversation, "cello", user_id=None)


def test_vectors_of_another_model_are_not_compared() -> None:
    conversation = tell()

    def embed(text: Sequence[str]) -> Embedded:
        return Embedded(make_providers().embed(text).rows, "another", "The embedding provider failed.")

    found = ask(conversation, "Which instrument does Jonas play?", embed=embed)
    assert found.reason
    assert {hit.added["vector"] for hit in found.hits} == {0.0}
    assert "The cello" in texts(found)[0]


@pytest.mark.parametrize(
    "query", ["", "'; DROP TABLE", "a & | ! b:*", "100%", "\\ \\' %(x)s", "日本 旅行", "x " * 2000]
)
def test_no_query_is_an_error(query: str) -> None:
    assert len(ask(tell(), query).hits) <= len(TALK)


def test_a_word_is_counted_as_often_as_it_was_said() -> None:
    said = [("", " ".join(["lake"] * times + ["and", "river"])) for times in (1, 2, 3, 17, 60)]
    conversation = tell(said)
    scope = Scope(conversation.workspace_id, conversation.user_id)
    asked = question.read("a lake, a river", scope)
    rows = read.rows(scope, asked, vector=None, model="")
    counted = dict(zip(asked.terms, rows.counts.T.tolist(), strict=True))
    assert counted == {"lake": [1, 2, 3, 17, 60], "river": [1, 1, 1, 1, 1]}


def test_a_large_scope_is_searched_by_its_indexes_with_the_same_best_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    chatter = [("Mara", f"Nothing new on day {number}, it rains.") for number in range(60)]
    conversation = tell((*TALK, *chatter))
    queries = ("Which instrument does Jonas play?", "How many paintings did Mara sell?")
    whole = [texts(ask(conversation, query, limit=1)) for query in queries]
    IndexedMessage.objects.update(in_large_scope=True)
    monkeypatch.setattr(find, "MOST", 20)
    monkeypatch.setattr(large, "SAMPLE", 10)
    assert [texts(ask(conversation, query, limit=1)) for query in queries] == whole


@given(st.sampled_from(sorted(BASES)), st.sampled_from(["{}", "They {}.", "({})!", "{}-like"]))
def test_irregular_forms_become_their_base_wherever_they_stand(form: str, text: str) -> None:
    assert plain(text.format(form)) == text.format(BASES[form])
    assert plain(text.format(f"x{form}x")) == text.format(f"x{form}x")


def test_indexing_keeps_the_tally_and_goes_with_the_message() -> None:
    conversation = tell()
    assert Tally.objects.get(user_id="mara").messages == len(TALK)
    conversation.delete()
    assert not IndexedMessage.objects.exists()
    assert Tally.objects.get(user_id="mara").messages == 0
