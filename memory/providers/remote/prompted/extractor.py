"""Finds facts with a chat model, and keeps those whose words stand in the message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from memory.providers.base import Chat, Fact, Said
from memory.providers.local.statements.hearing.stated import Statements
from memory.providers.local.statements.kinds import IMPORTANCE, Kind
from memory.providers.remote.prompted.structured import ask

MOST_FACTS: Final = 8
READ_FACTS: Final = 50
MOST_CHARACTERS: Final = 300  # of one fact
MOST_PLACES: Final = 20  # of one quote
READ_CHARACTERS: Final = 16_000  # of one message
ANSWER_TOKENS: Final = 900
INSTRUCTIONS: Final = f"""\
You find in one chat message what is worth remembering about the user who wrote it, for months.

Take what the user states about themselves and the people, animals and things in their life: who they are, what they
like, do, plan, own, need, must avoid. Take nothing that was asked, supposed, imagined, joked or said about the world in
general, and nothing that only matters to this conversation. Take nothing from quotations, code, logs, pasted chats,
texts that are to be translated, corrected or continued, and lists of what is already known about the user: those are
not the user's own statements, even where they say "I". Most messages hold no fact: answer with an empty list then.

Each fact stands for itself: third person without its subject ("Is allergic to peanuts", not "The user is allergic"),
one statement, names and numbers exactly as they were said, relative times turned into dates by the message's own time
("tomorrow", "last summer", "in three weeks" become a day, a season with its year, a week). Of somebody else the fact
begins with who that is ("Brother Tom lives in Oslo"). Keep the tense, and keep visible what has changed or ended:
"Moved to Berlin", "No longer eats meat", "Is back in Paris", "Used to live in Porto". Never add what was not said. At
most {MOST_FACTS} facts, in the order in which they were said.

- text: the fact.
- kind: one of {", ".join(Kind)}.
- importance: 0 to 1; 0.9 for what does harm when forgotten, 0.6 for a preference, 0.3 for a trifle.
- quote: the words of the message that say it, copied exactly."""


def _known(kind: Any) -> Any:
    return kind if kind in set(Kind) else Kind.OTHER


def _share(number: Any) -> Any:
    return min(1.0, max(0.0, float(number))) if isinstance(number, int | float) else number


class FactOut(BaseModel):
    """A fact as the model writes it."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    text: str
    kind: Annotated[Kind, BeforeValidator(_known)]
    importance: Annotated[float, BeforeValidator(_share), Field(allow_inf_nan=False)]
    quote: str


class FactsOut(BaseModel):
    """The model's whole answer."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    facts: list[FactOut]


class ChatExtractor:
    """The extractor that understands what rules don't."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.name = f"chat:{chat.model}"

    def extract(self, message: Said) -> list[Fact]:
        """Return at most 8 facts in the order in which they were said. Raises ProviderError."""
        if message.role != "user" or message.recalled or not message.content.strip():
            return []
        content = message.content[:READ_CHARACTERS]
        said = {"role": message.role, "name": message.name, "at": message.at.isoformat(), "content": content}
        found = ask(
            self._chat,
            instructions=INSTRUCTIONS,
            data={"message": said},
            shape=FactsOut,
            max_tokens=ANSWER_TOKENS,
        )
        return sorted(_believed(found.facts, content), key=lambda fact: fact.span)[:MOST_FACTS]


def _believed(found: list[FactOut], content: str) -> Iterator[Fact]:
    """The facts that have a text and words of the author's own in the message to show for it, each once."""
    seen: set[str] = set()
    statements = Statements(content) if found else None
    for one in found[:READ_FACTS]:
        text = " ".join(one.text.split())
        places = spans_of(one.quote, content)
        span = next((place for place in places if statements is not None and statements.holds(place)), None)
        if span is None or not 0 < len(text) <= MOST_CHARACTERS or text.casefold() in seen:
            continue
        seen.add(text.casefold())
        kind = Kind(one.kind)
        yield Fact(text, kind, round(one.importance, 2) or IMPORTANCE[kind], span)


def spans_of(quote: str, content: str) -> Iterator[tuple[int, int]]:
    """Where a quote stands in the content, at most at 20 places; case and spacing may differ."""
    words = quote.split()
    if not words or len(quote.strip()) > len(content):
        return
    pattern = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE)
    for found in islice(pattern.finditer(content), MOST_PLACES):
        yield found.span()
