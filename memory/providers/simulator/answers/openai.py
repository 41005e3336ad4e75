"""Answers in the shapes of OpenAI's API: real local embeddings, and chat that extracts instead of inventing."""

from __future__ import annotations

import base64
import itertools
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memory.providers.base import Said
from memory.providers.local.embedder import DIMENSIONS, LocalEmbedder
from memory.providers.local.summarizer import LocalSummarizer
from memory.providers.local.tokens import estimate
from memory.providers.simulator.answers import facts, pairs, prompts

EMBEDDING_MODEL: Final = LocalEmbedder.model
CHAT_MODEL: Final = "extractive-1"
MOST_INPUTS: Final = 2048  # as OpenAI's
MOST_INPUT_TOKENS: Final = 8192  # as OpenAI's
ANSWER_TOKENS: Final = 200
MOST_PIECES: Final = 400
_WORDS = re.compile(r"\s*\S+|\s+$")

_embedder = LocalEmbedder()
_summarizer = LocalSummarizer()
_numbers = itertools.count(1)


class RefusedError(Exception):
    """The request is at fault: status 400, with the parameter that is wrong."""

    def __init__(self, message: str, *, parameter: str) -> None:
        super().__init__(message)
        self.parameter = parameter


def warm() -> None:
    """Load the model now, not with the first question."""
    _embedder.embed(["warm"])


def models() -> dict[str, Any]:
    """The answer of GET /v1/models."""
    known = [
        {"id": name, "object": "model", "created": 0, "owned_by": "holdfast"} for name in (EMBEDDING_MODEL, CHAT_MODEL)
    ]
    return {"object": "list", "data": known}


def problem(message: str, *, kind: str, code: str | None = None, parameter: str | None = None) -> dict[str, Any]:
    """The document of an error."""
    return {"error": {"message": message, "type": kind, "param": parameter, "code": code}}


def embeddings(asked: Mapping[str, Any], *, model: str = "") -> dict[str, Any]:
    """The answer of POST /v1/embeddings; `model` is the path's where it names one. Raises RefusedError."""
    texts = _inputs(asked.get("input"))
    rows = _cut_to(_embedder.embed(texts), _dimensions(asked.get("dimensions")))
    encode = _encoding(asked.get("encoding_format", "float"))
    data = [{"object": "embedding", "index": at, "embedding": encode(row)} for at, row in enumerate(rows)]
    tokens = sum(map(estimate, texts))
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": _model(asked, model, EMBEDDING_MODEL), "usage": usage}


def chat(asked: Mapping[str, Any], *, model: str = "") -> dict[str, Any]:
    """The answer of POST /v1/chat/completions without a stream. Raises RefusedError."""
    text, usage = _answered(asked)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", "logprobs": None}
    return _chat_frame(asked, model, "chat.completion") | {"choices": [choice], "usage": usage}


def chat_pieces(asked: Mapping[str, Any], *, model: str = "") -> Iterator[dict[str, Any]]:
    """The documents of a stream, word by word; the last has the usage where it is asked for. Raises RefusedError."""
    text, usage = _answered(asked)
    frame = _chat_frame(asked, model, "chat.completion.chunk")
    options = asked.get("stream_options")
    return _pieces(text, frame, usage if isinstance(options, Mapping) and options.get("include_usage") else None)


def _pieces(text: str, frame: dict[str, Any], usage: dict[str, int] | None) -> Iterator[dict[str, Any]]:
    def piece(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
        return frame | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield piece({"role": "assistant", "content": ""})
    words = _WORDS.findall(text)
    at_once = -(-len(words) // MOST_PIECES) or 1
    for start in range(0, len(words), at_once):
        yield piece({"content": "".join(words[start : start + at_once])})
    yield piece({}, "stop")
    if usage:
        yield frame | {"choices": [], "usage": usage}


def _answered(asked: Mapping[str, Any]) -> tuple[str, dict[str, int]]:
    turns = asked.get("messages")
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, Mapping) for turn in turns):
        raise RefusedError("messages must be a list of at least one message.", parameter="messages")
    most = asked.get("max_tokens") or asked.get("max_completion_tokens") or ANSWER_TOKENS
    if not isinstance(most, int) or most < 1:
        raise RefusedError("max_tokens must be a positive integer.", parameter="max_tokens")
    text = _text(turns, facts.schema_of(asked.get("response_format")), most)
    used = sum(estimate(prompts.content_of(turn)) for turn in turns)
    wrote = estimate(text)
    return text, {"prompt_tokens": used, "completion_tokens": wrote, "total_tokens": used + wrote}


def _text(turns: Sequence[Mapping[str, Any]], schema: Mapping[str, Any] | None, most_tokens: int) -> str:
    if schema is None:
        return _extractive(turns, most_tokens)
    if found := pairs.asked(turns):
        return pairs.answer(found)
    return facts.answer(schema, prompts.last_said(turns), text=lambda: _extractive(turns, most_tokens))


def _extractive(turns: Sequence[Mapping[str, Any]], most_tokens: int) -> str:
    """What was said, in fewer words. A provider that answers nothing is no provider: something always comes."""
    told = prompts.conversation(turns)
    budget = min(most_tokens, told.budget_tokens or most_tokens)
    text = _summarizer.summarize(told.previous, told.messages, budget_tokens=budget)
    return text or _summarizer.summarize("", [_plainly(turns)], budget_tokens=budget) or "There is nothing to add."


def _plainly(turns: Sequence[Mapping[str, Any]]) -> Said:
    return prompts.said_by("user", "\n".join(prompts.content_of(turn) for turn in turns))


def _chat_frame(asked: Mapping[str, Any], model: str, kind: str) -> dict[str, Any]:
    name = f"chatcmpl-simulated-{next(_numbers)}"
    return {"id": name, "object": kind, "created": int(time.time()), "model": _model(asked, model, CHAT_MODEL)}


def _model(asked: Mapping[str, Any], of_path: str, default: str) -> str:
    name = asked.get("model", of_path or default)
    if not isinstance(name, str) or not name:
        raise RefusedError("model must be a name.", parameter="model")
    return name


def _inputs(given: Any) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not 1 <= len(texts) <= MOST_INPUTS:
        raise RefusedError(f"input must be a text or a list of 1 to {MOST_INPUTS} texts.", parameter="input")
    for text in texts:
        if not isinstance(text, str) or not text:
            raise RefusedError("Each input must be a text that is not empty.", parameter="input")
        if estimate(text) > MOST_INPUT_TOKENS:
            raise RefusedError(f"An input has more than {MOST_INPUT_TOKENS} tokens.", parameter="input")
    return texts


def _dimensions(given: Any) -> int:
    if given is None:
        return DIMENSIONS
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= DIMENSIONS:
        raise RefusedError(f"dimensions must be an integer from 1 to {DIMENSIONS}.", parameter="dimensions")
    return given


def _cut_to(rows: NDArray[np.float32], dimensions: int) -> NDArray[np.float32]:
    """The first dimensions of each row at length 1 again."""
    if dimensions == rows.shape[1]:
        return rows
    cut = rows[:, :dimensions]
    lengths = np.linalg.norm(cut, axis=1, keepdims=True)
    return np.asarray(cut / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def _encoding(name: Any) -> Any:
    if name == "float":
        return lambda row: row.tolist()
    if name == "base64":
        return lambda row: base64.b64encode(row.astype("<f4").tobytes()).decode()
    raise RefusedError("encoding_format must be float or base64.", parameter="encoding_format")
