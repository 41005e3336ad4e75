"""What an erasure looks for: the wordings of a fact, and its words in their stems wherever they stand together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

LENGTH: Final = 100_000  # characters of one value that are read for words: more than any text that we take

# In any order, with any words between them; a text of stop words alone has no query, and is found by its wording only.
QUERY_SQL = """
SELECT string_agg('(' || plainto_tsquery('english', text)::text || ')', ' | ')
FROM unnest(%s::text[]) AS text WHERE numnode(plainto_tsquery('english', text)) > 0
"""


@dataclass(frozen=True, slots=True)
class Sought:
    """`texts` are all wordings of what is erased; `query` asks PostgreSQL for all the words of one of them."""

    texts: tuple[str, ...]
    query: str | None

    @property
    def arguments(self) -> dict[str, Any]:
        """What `holds` and `holds_json` need."""
        escaped = (text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for text in self.texts)
        return {"patterns": [f"%{text}%" for text in escaped], "query": self.query}

    def is_in(self, text: str) -> bool:
        """Whether one of the wordings is, in whatever case."""
        folded = text.casefold()
        return any(wording.casefold() in folded for wording in self.texts)


def sought(texts: Iterable[str]) -> Sought:
    """What to look for when these wordings are erased."""
    wordings = tuple(dict.fromkeys(text for text in texts if text))
    with connection.cursor() as cursor:
        cursor.execute(QUERY_SQL, [list(wordings)])
        return Sought(wordings, cursor.fetchone()[0])


def holds(value: str) -> str:
    """The SQL that is true where this text has a wording, or all the words of one."""
    return (
        f"({value} ILIKE ANY (%(patterns)s::text[]) "
        f"OR coalesce(to_tsvector('english', left({value}, {LENGTH})) @@ %(query)s::tsquery, false))"
    )


def holds_json(value: str) -> str:
    """The same for the texts anywhere in a jsonb, each by itself."""
    return (
        f"EXISTS (SELECT FROM jsonb_path_query({value}, 'strict $.**') AS inside "
        f"WHERE jsonb_typeof(inside) = 'string' AND {holds(_text_of('inside'))})"
    )


def _text_of(value: str) -> str:
    return f"({value} #>> '{{}}')"
