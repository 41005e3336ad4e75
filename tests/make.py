"""Builders: rows and requests with full defaults, each of which can be overridden by keyword."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from memory import access
from memory.conversation.ingest import Appended, NewMessage, append
from memory.dedupe.normalise import text_hash
from memory.jobs.working.claim import claim
from memory.models import Conversation, Memory, Revision, Scope, Workspace
from memory.providers.local.embedder import LocalEmbedder
from memory.providers.local.extractor import LocalExtractor
from memory.providers.local.summarizer import LocalSummarizer
from memory.providers.standby import Providers, Standby
from memory.tuning import Terms
from memory.work.messages.process import process
from memory.work.tools import Tools

NOW = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
_number = itertools.count(1)


def make_workspace(**fields: Any) -> Workspace:
    return Workspace.objects.create(**{"name": f"workspace-{next(_number)}"} | fields)


def make_key(workspace: Workspace | None = None, **fields: Any) -> str:
    """The key itself."""
    options = {"name": "tests", "scope": Scope.WRITE} | fields
    return access.create_key(workspace=workspace or make_workspace(), **options)[1]


def make_conversation(workspace: Workspace | None = None, **fields: Any) -> Conversation:
    defaults = {"user_id": "mara", "workspace": workspace or make_workspace()}
    return Conversation.objects.create(**defaults | fields)


def make_message(content: str = "I live in Leeds.", **fields: Any) -> NewMessage:
    return NewMessage(**{"role": "user", "content": content} | fields)


def make_memory(text: str = "Lives in Leeds", workspace: Workspace | None = None, **fields: Any) -> Memory:
    embedder = LocalEmbedder()
    defaults = {
        "workspace": workspace or make_workspace(),
        "user_id": "mara",
        "text": text,
        "text_hash": text_hash(text),
        "embedding": embedder.embed([text])[0],
        "embedding_model": embedder.model,
    }
    memory = Memory.objects.create(**defaults | fields)
    Revision.objects.create(memory=memory, number=1, text=text, cause="added", actor="tests")
    return memory


def make_providers(**fields: Any) -> Standby:
    """The local providers; what is named takes the first place of its kind, with the local one behind it."""
    local = Providers(LocalEmbedder(), LocalExtractor(), LocalSummarizer())
    return Standby(first=replace(local, **fields), local=local)


def make_tools(**fields: Any) -> Tools:
    defaults: dict[str, Any] = {
        "providers": make_providers(),
        "terms": lambda workspace_id: make_terms(),
    }
    return Tools(**defaults | fields)


def make_terms(**parts: dict[str, Any]) -> Terms:
    """The default settings, but for what is named per part: `make_terms(window={"tokens": 200})`."""
    return Terms.model_validate(parts)


def with_window(tokens: int, summary_tokens: int) -> dict[str, Any]:
    """Fields of `make_tools` for a small window."""
    terms = make_terms(window={"tokens": tokens, "summary_tokens": summary_tokens})
    return {"terms": lambda workspace_id: terms}


def say(conversation: Conversation, *contents: str, now: datetime = NOW, **fields: Any) -> Appended:
    """Append user messages to a conversation."""
    return append(
        workspace_id=conversation.workspace_id,
        conversation_id=conversation.pk,
        messages=[make_message(content, **fields) for content in contents],
        now=now,
    )


def work(conversation: Conversation, *, now: datetime = NOW, tools: Tools | None = None) -> int:
    """Do what waits for the conversation's user, as a worker would; how many claims that took."""
    claims = 0
    user = (conversation.workspace_id, conversation.user_id)
    while taken := claim(now=now, lease=timedelta(minutes=1), limit=200, only=user):
        errors = process(taken.token, taken.jobs, tools=tools or make_tools(), now=now)
        assert not errors, errors
        claims += 1
    return claims


def texts(conversation: Conversation) -> list[str]:
    """The active memories of the conversation's user, oldest first."""
    mine = Memory.objects.of(conversation.workspace_id, conversation.user_id).active()
    return list(mine.order_by("id").values_list("text", flat=True))
