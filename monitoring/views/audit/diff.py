"""What changed in an entry of the audit log, field by field and word by word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from monitoring.models import AuditEntry

WORD = re.compile(r"\s+|[\w.%+-]+|[^\w\s]")
WORDS = 400  # of one value that are compared; longer ones are shown as replaced


@dataclass(frozen=True, slots=True)
class Part:
    """A run of words: "same", "gone" or "new"."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    field: str
    parts: list[Part]


def changes(entry: AuditEntry) -> list[Change]:
    """The fields that differ, as they were written; of something new or gone, all of them."""
    before, after = entry.before or {}, entry.after or {}
    fields = [*before, *(field for field in after if field not in before)]
    return [
        Change(field.replace("_", " "), list(parts(_text(before, field), _text(after, field))))
        for field in fields
        if (field in before) != (field in after) or before[field] != after[field]
    ]


def parts(before: str, after: str) -> Iterator[Part]:
    """The words of both, in one order."""
    was, became = WORD.findall(before), WORD.findall(after)
    if max(len(was), len(became)) > WORDS:
        was, became = [before], [after]
    matcher = SequenceMatcher(None, was, became, autojunk=False)
    if matcher.ratio() < 0.3:  # nothing to recognise: the one, then the other
        was, became = [before], [after]
        matcher = SequenceMatcher(None, was, became, autojunk=False)
    for kind, i, until, j, to in matcher.get_opcodes():
        if kind == "equal":
            yield Part("same", "".join(was[i:until]))
            continue
        if text := "".join(was[i:until]):
            yield Part("gone", text)
        if text := "".join(became[j:to]):
            yield Part("new", text)


def _text(values: dict[str, Any], field: str) -> str:
    if field not in values:
        return ""
    value = values[field]
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
