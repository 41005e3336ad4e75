from __future__ import annotations

from typing import Any

import pytest

from memory.load.visitors import KEPT, VISITORS, Visitors
from memory.models import Conversation, Job, Message
from tests.make import make_key, make_workspace
from tests.memory.api.conftest import Api

pytestmark = pytest.mark.django_db


class Direct:
    """Calls the API without a server."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.asked: list[str] = []

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        self.asked.append(f"{method} {path.partition('/')[0]}")
        status, answer = self.api.call(method, path, body)
        assert status < 300, answer
        return answer


def test_visitors_come_in_turn_and_none_of_their_conversations_grows_for_ever() -> None:
    workspace = make_workspace()
    client = Direct(Api(workspace, make_key(workspace)))
    rests: list[float] = []
    visitors = Visitors(client, ["I live in Leeds."], rests.append, VISITORS - 1)  # type: ignore[arg-type]
    for _ in range(2):
        visitors.meanwhile(1.5)
    assert sorted(Conversation.objects.values_list("user_id", flat=True)) == ["visitor-000", "visitor-001"]
    assert client.asked[:3] == ["POST conversations", "POST conversations", "POST context"]
    assert Job.objects.count() == 2
    assert all(0 <= rest <= 1.5 for rest in rests)
    for _ in range(KEPT):
        visitors.number = VISITORS - 1
        visitors.visit()
    assert Message.objects.filter(conversation__user_id="visitor-000").count() == 1
