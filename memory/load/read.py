"""Reads a file of any known format as turns."""

from __future__ import annotations

from pathlib import Path

import orjson

from memory.load import chatgpt, jsonl, locomo, openai
from memory.load.records import Bad, Records

FORMATS = (chatgpt, locomo, openai)
SIZE = 2 * 1024**3  # bytes; a JSON document is read whole, JSON Lines line by line


def read(path: Path, *, user_id: str) -> Records:
    """The records of `path`, told by its content. Raises OSError when it can't be opened.

    A file that is no JSON document is read as JSON Lines, so that one bad line costs only that line.
    """
    if path.stat().st_size > SIZE and path.suffix != ".jsonl":
        yield Bad(path.name, f"is over {SIZE:,} bytes; split it, or write it as JSON Lines (.jsonl)")
        return
    if path.suffix not in {".jsonl", ".ndjson"}:
        try:
            document = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError:
            document = None
        for form in FORMATS:
            if document is not None and form.fits(document):
                yield from form.read(document, name=path.stem, user_id=user_id)
                return
        if isinstance(document, list):
            yield Bad(path.name, "is a list, but not of messages, ChatGPT conversations or LoCoMo samples")
            return
    with path.open("rb") as lines:
        yield from jsonl.read(lines, name=path.stem, user_id=user_id)
