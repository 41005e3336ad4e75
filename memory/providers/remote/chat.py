"""A chat model behind an OpenAI-compatible endpoint: whole answers, answers by a JSON schema, and streams."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Final

from memory.providers.base import (
    Completion,
    ProviderBadAnswerError,
    ProviderRefusedError,
    ProviderUnavailableError,
    Turn,
)
from memory.providers.guard import Deadline, Guard, Reply
from memory.providers.remote.embedder import count, model_of
from memory.providers.remote.endpoint import Endpoint
from memory.providers.remote.http.optional import OptionalFields

PATH: Final = "/chat/completions"
END: Final = "[DONE]"
SCHEMA_NAME: Final = "answer"


class RemoteChat:
    """Every call passes the guard; identical calls at temperature 0 that are in flight are one."""

    def __init__(self, endpoint: Endpoint, guard: Guard) -> None:
        self.model = endpoint.model
        self._site = endpoint.site()
        self._guard = guard
        self._limit_field = endpoint.profile.limit_field
        # reasoning models take no temperature; small servers no schema, which is why prompts name it too
        self._optional = OptionalFields("temperature", "response_format", "stream_options")

    def complete(
        self,
        turns: Sequence[Turn],
        *,
        max_tokens: int = 1000,
        temperature: float = 0.0,
        schema: dict[str, Any] | None = None,
    ) -> Completion:
        """The whole answer. With a JSON schema the model is asked to follow it; what comes is the caller's to check."""
        body = self._body(turns, max_tokens, temperature)
        if schema is not None:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": SCHEMA_NAME, "schema": schema, "strict": True},
            }
        key = _digest(body) if temperature == 0 else None
        return self._guard.call(lambda deadline: self._ask(body, deadline), operation="complete", key=key)

    def stream(self, turns: Sequence[Turn], *, max_tokens: int = 1000, temperature: float = 0.0) -> Iterator[str]:
        """The answer in pieces as they come. An error after the first piece is raised from the iterator."""
        body = self._body(turns, max_tokens, temperature)
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        return self._guard.stream(lambda deadline: self._pieces(body, deadline))

    def _body(self, turns: Sequence[Turn], max_tokens: int, temperature: float) -> dict[str, Any]:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        return {
            "model": self.model,
            "messages": messages,
            self._limit_field: max_tokens,
            "temperature": temperature,
        }

    def _ask(self, body: Mapping[str, Any], deadline: Deadline) -> Reply[Completion]:
        answer = self._optional.ask(body, lambda asked: self._site.post(PATH, asked, deadline))
        usage = answer.document.get("usage")
        asked, wrote = count(usage, "prompt_tokens"), count(usage, "completion_tokens")
        model = model_of(answer, self.model)
        return Reply(
            value=Completion(_text(answer.document), model, asked, wrote),
            prompt_tokens=asked,
            completion_tokens=wrote,
            bytes_raw=answer.bytes_raw,
            bytes_sent=answer.bytes_sent,
            model=model,
        )

    def _pieces(self, body: Mapping[str, Any], deadline: Deadline) -> Generator[str, None, Reply[None]]:
        events = self._optional.ask(body, lambda asked: self._site.events(PATH, asked, deadline))
        usage: Any = None
        is_finished = False
        with closing(events):
            for data in events:
                if data == END:
                    is_finished = True
                    break
                document = _document(data)
                text, is_last = _delta(document)
                is_finished |= is_last
                usage = document.get("usage") or usage
                if text:
                    yield text
        if not is_finished:
            raise ProviderUnavailableError("the stream was cut off before the answer's end")
        return Reply(
            value=None,
            prompt_tokens=count(usage, "prompt_tokens"),
            completion_tokens=count(usage, "completion_tokens"),
            bytes_raw=events.bytes_raw,
            bytes_sent=events.bytes_sent,
            model=self.model,
        )


def _digest(body: Mapping[str, Any]) -> bytes:
    return hashlib.blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=16).digest()


def _document(data: str) -> Mapping[str, Any]:
    """One event's document. Raises ProviderError for what is none, and for one that tells of a failure."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise ProviderBadAnswerError("an event of the stream is no JSON") from None
    if not isinstance(document, dict):
        raise ProviderBadAnswerError("an event of the stream is no JSON object")
    if document.get("error"):
        raise ProviderUnavailableError("the provider failed in the midst of the stream")
    return document


def _text(document: Mapping[str, Any]) -> str:
    """What was answered. Raises ProviderRefusedError where the model declines, ProviderBadAnswerError for nothing."""
    message = _first(document).get("message")
    message = message if isinstance(message, dict) else {}
    if message.get("refusal"):
        raise ProviderRefusedError("the model declines to answer this")
    text = _joined(message.get("content"))
    if not text.strip():
        raise ProviderBadAnswerError("the answer has no text")
    return text


def _delta(document: Mapping[str, Any]) -> tuple[str, bool]:
    """What an event adds, and whether it is the answer's last."""
    choice = _first(document)
    delta = choice.get("delta")
    return _joined(delta.get("content") if isinstance(delta, dict) else None), bool(choice.get("finish_reason"))


def _first(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice; some events have none."""
    choices = document.get("choices")
    found = choices[0] if isinstance(choices, list) and choices else None
    return found if isinstance(found, dict) else {}


def _joined(content: Any) -> str:
    """A text, or the texts among the parts that some models answer with."""
    if isinstance(content, list):
        return "".join(_joined(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
