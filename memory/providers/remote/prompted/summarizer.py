"""Summarises with a chat model or with an MCP server's tool, within a budget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from memory.providers.base import Chat, ProviderBadAnswerError, Said
from memory.providers.local.tokens import estimate
from memory.providers.remote.agent import McpAgent
from memory.providers.remote.prompted.structured import ask

READ_CHARACTERS: Final = 8_000  # of one message
# Our estimate of tokens and a model's own count differ, and the answer is wrapped in JSON.
ANSWER_TOKENS: Final = 1.5
WRAPPING_TOKENS: Final = 60
LETTERS_PER_TOKEN: Final = 7  # `tokens.estimate` counts at least a token for so many
_SENTENCES = re.compile(r"(?<=[.!?\u2026])\s+|\n+")
_WORDS = re.compile(r"\s+")
INSTRUCTIONS: Final = """\
You keep the running summary of a chat between a user and an assistant. Fold the new messages into the summary so far.

Keep what somebody who continues the chat has to know: what the user wants, what was decided and promised, open
questions, names, numbers, dates and places exactly as they were said, who said what. What new messages correct is
replaced. Drop greetings and repetition. Add nothing that was not said. Write plain sentences in the chat's language,
oldest first, of at most `budget_tokens` tokens in all; answer with the new summary alone, which replaces the old."""


class SummaryOut(BaseModel):
    """The model's answer."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    summary: str


class ChatSummarizer:
    """The summarizer that says it in its own words."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.name = f"chat:{chat.model}"

    def summarize(self, previous: str, messages: Sequence[Said], *, budget_tokens: int) -> str:
        """Return a summary of at most `budget_tokens` by `tokens.estimate`. Raises ProviderError."""
        heard = _heard(messages)
        if not heard and estimate(previous) <= budget_tokens:
            return previous
        found = ask(
            self._chat,
            instructions=INSTRUCTIONS,
            data=_data(previous, heard, budget_tokens),
            shape=SummaryOut,
            max_tokens=int(budget_tokens * ANSWER_TOKENS) + WRAPPING_TOKENS,
        )
        return _fitting(found.summary, budget_tokens)


class AgentSummarizer:
    """The summarizer that is a tool of an MCP server.

    The tool is given `previous` (text), `messages` (objects with role, name and content), `budget_tokens`, and `text`
    (all of it as one text): of these, the ones that its input schema names.
    """

    def __init__(self, agent: McpAgent) -> None:
        self._agent = agent
        self.name = f"mcp:{agent.tool}"

    def summarize(self, previous: str, messages: Sequence[Said], *, budget_tokens: int) -> str:
        """Return a summary of at most `budget_tokens` by `tokens.estimate`. Raises ProviderError."""
        heard = _heard(messages)
        if not heard and estimate(previous) <= budget_tokens:
            return previous
        data = _data(previous, heard, budget_tokens)
        told = [f"{one['name'] or one['role']}: {one['content']}" for one in data["messages"]]
        text = "\n".join([previous, *told] if previous else told)
        return _fitting(self._agent.call({**data, "previous": previous, "text": text}), budget_tokens)


def _heard(messages: Sequence[Said]) -> list[Said]:
    return [message for message in messages if message.role in {"user", "assistant"} and not message.recalled]


def _data(previous: str, heard: Sequence[Said], budget_tokens: int) -> dict[str, Any]:
    said: list[Mapping[str, str]] = [
        {"role": one.role, "name": one.name, "content": one.content[:READ_CHARACTERS]} for one in heard
    ]
    return {"previous_summary": previous, "messages": said, "budget_tokens": budget_tokens}


def _fitting(text: str, budget_tokens: int) -> str:
    """As many of the text's sentences, from its start, as fit the budget. Raises ProviderBadAnswerError for none."""
    text = text.strip()
    if not text:
        raise ProviderBadAnswerError("the summary is empty")
    if estimate(text) <= budget_tokens:
        return text
    text = text[: budget_tokens * LETTERS_PER_TOKEN]
    for ends in (_SENTENCES, _WORDS):
        for end in reversed([found.start() for found in ends.finditer(text)]):
            if estimate(text[:end]) <= budget_tokens:
                return text[:end]
    raise ProviderBadAnswerError("the summary does not fit its budget")
