"""How many tokens a text is: as the model's own tokenizer counts where that is at hand, else estimated."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any, Final

import orjson
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from tokenizers import Tokenizer

try:
    import tiktoken  # type: ignore[import-not-found, unused-ignore]
except ImportError:  # the extra `exact-tokens`
    tiktoken = None

# Least squares over LoCoMo turns against WordLlama's tokenizer (Llama 2, 32,000 pieces), then 2 % up, because
# to exceed a budget is worse than to leave some of it. Outside ASCII a byte costs more: a CJK character is about one.
TOKENS_PER_WORD: Final = 0.53
TOKENS_PER_ASCII_BYTE: Final = 0.165
TOKENS_PER_OTHER_BYTE: Final = 0.35

# where tiktoken has its encodings from: it keeps each in a file named by the address's hash
ENCODINGS: Final = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts tokens; `is_exact` where it is the model's own tokenizer."""

    name: str
    is_exact: bool
    count: Callable[[str], int]


def estimate(text: str) -> int:
    """Return ceil(0.53 x words + 0.165 x ASCII bytes + 0.35 x other UTF-8 bytes): 0 only for the empty text."""
    if not text:
        return 0
    ascii_bytes = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    other_bytes = 0 if text.isascii() else len(text.encode("utf-8", "surrogatepass")) - ascii_bytes
    weighed = TOKENS_PER_WORD * len(text.split())
    return ceil(weighed + TOKENS_PER_ASCII_BYTE * ascii_bytes + TOKENS_PER_OTHER_BYTE * other_bytes)


ESTIMATE: Final = Counter("estimate", False, estimate)


def counter(model: str) -> Counter:
    """The counter for a chat model: HOLDFAST_TOKENIZER's, tiktoken's where it has the encoding, or the estimate.

    Nothing is fetched. Raises ImproperlyConfigured where HOLDFAST_TOKENIZER is no tokenizer.
    """
    return _counter(model, settings.HOLDFAST_TOKENIZER)


def check(**_: Any) -> list[checks.CheckMessage]:
    """A system check: the file of HOLDFAST_TOKENIZER is what it should be."""
    fault = _fault(settings.HOLDFAST_TOKENIZER) if settings.HOLDFAST_TOKENIZER else ""
    return [checks.Error(fault, id="memory.E010")] if fault else []


@lru_cache(maxsize=16)
def _counter(model: str, file: str) -> Counter:
    return _of_file(file) if file else _of_tiktoken(model) or ESTIMATE


def _of_file(file: str) -> Counter:
    """By a `tokenizer.json`, as open models come with one."""
    if fault := _fault(file):
        raise ImproperlyConfigured(fault)
    found = Tokenizer.from_file(file)
    return Counter(Path(file).name, True, lambda text: len(found.encode(text, add_special_tokens=False).ids))


def _fault(file: str) -> str:
    """Why this is no tokenizer.json; empty where it is one."""
    try:
        held = orjson.loads(Path(file).read_bytes())
    except (OSError, orjson.JSONDecodeError) as problem:
        return f"HOLDFAST_TOKENIZER names {file!r}, which can't be read: {problem}"
    is_one = isinstance(held, dict) and isinstance(held.get("model"), dict)
    return "" if is_one else f"HOLDFAST_TOKENIZER names {file!r}, which is no tokenizer.json: it has no model in it."


def _of_tiktoken(model: str) -> Counter | None:
    """By OpenAI's own tokenizer, if that is installed, knows the model, and has its encoding on this machine."""
    if tiktoken is None or not model:
        return None
    try:
        name = tiktoken.encoding_name_for_model(model)
    except KeyError:
        return None
    if not _is_kept(name):
        return None
    encoding: Any = tiktoken.get_encoding(name)
    return Counter(name, True, lambda text: len(encoding.encode_ordinary(text)))


def _is_kept(encoding: str) -> bool:
    kept = next((os.environ[name] for name in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR") if name in os.environ), None)
    folder = Path(kept) if kept is not None else Path(tempfile.gettempdir()) / "data-gym-cache"
    # tiktoken names the file so: nothing is kept secret by it
    return (folder / hashlib.sha1(ENCODINGS.format(encoding).encode(), usedforsecurity=False).hexdigest()).is_file()
