"""Assembles what the model should know before its next call, within a token budget."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from memory import search, tuning
from memory.context import read, served
from memory.context.filling import STYLES, Filled, Variant, fill
from memory.context.parts import Context, Known, Thread
from memory.providers import configured
from memory.providers.base import Embedded
from memory.providers.local.tokens import Counter, counter
from memory.providers.standby import Standby
from memory.tuning import Terms
from monitoring import metrics


def assemble(
    *,
    workspace_id: uuid.UUID,
    user_id: str,
    providers: Standby,
    now: datetime,
    conversation_id: uuid.UUID | None = None,
    query: str | None = None,
    budget_tokens: int | None = None,
    explain: bool = False,
    variant: Variant = Variant.PLAIN,
    notices: Sequence[str] = (),
    terms: Terms | None = None,
) -> Context:
    """The context for the user's next model call: pinned memories, summary, relevant memories, recent messages.

    Without a query, the newest message of the user stands in; without either, the newest memories serve. Where the
    embedding provider fails, the local one's vector finds what was embedded locally, words find the rest, and the
    context says that it is degraded. `notices` are reasons that make it no worse than it should be. `terms` are the
    workspace's settings where none are given, and so is the budget.
    Raises NotFoundError for a conversation that is not this user's.
    """
    terms = terms or tuning.current(workspace_id)
    budget = budget_tokens or terms.context.budget_tokens
    thread = read.thread(workspace_id, user_id, conversation_id)
    question = query or next((content for _, role, _, content in thread.messages if role == "user"), "")
    asked = _Asked(workspace_id, user_id, question, now, terms, explain)
    found = asked.find(providers)
    counting = _counter()
    filled = fill(found.known, thread, budget, STYLES[variant], terms=terms, counter=counting)
    served.note(filled.parts, now=now)
    context = Context(
        filled.text, filled.tokens, filled.parts, variant.value, bool(found.reasons), [*found.reasons, *notices]
    )
    if explain:
        context.explain = _explanation(question, found, thread, filled, budget, counting)
    return context


@dataclass(frozen=True, slots=True)
class _Found:
    """Pinned memories and then relevant ones, each once; what search says of them; why they are second best."""

    known: list[Known]
    hits: Sequence[search.Hit]
    plan: search.Plan | None
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is looked for."""

    workspace_id: uuid.UUID
    user_id: str
    question: str
    now: datetime
    terms: Terms
    explain: bool

    def find(self, providers: Standby) -> _Found:
        """What answers the question, or the newest memories where there is nothing to search for."""
        embedded = self._embedded(providers) if self.question.strip() else None
        found = search.search(
            workspace_id=self.workspace_id,
            user_id=self.user_id,
            query=self.question,
            embedded=embedded,
            now=self.now,
            limit=self.terms.context.considered,
            terms=self.terms,
            explain=self.explain,
        )
        known = [Known(hit.id, hit.text, hit.kind, hit.valid_from) for hit in found.hits]
        known = read.with_pinned(self.workspace_id, self.user_id, known, self.now)
        reasons = [embedded.reason] if embedded is not None and embedded.reason else []
        return _Found(known, found.hits, found.plan, reasons)

    def _embedded(self, providers: Standby) -> Embedded:
        texts = search.texts_of(self.question, user_id=self.user_id, now=self.now)
        with metrics.timed("provider.embed"):
            return providers.embed(texts)


def _counter() -> Counter:
    """As the configured chat model counts."""
    chat = configured.chat()
    return counter(chat.model if chat is not None else "")


def _explanation(
    question: str, found: _Found, thread: Thread, filled: Filled, budget: int, counting: Counter
) -> dict[str, object]:
    """Why the parts are these: the query used, each hit's ranks, what each section took, and what was left out."""
    taken = {part.id for part in filled.parts}
    return {
        "query": question,
        "budget_tokens": budget,
        "spent_tokens": filled.spent,
        "counter": {"name": counting.name, "is_exact": counting.is_exact},
        "memories_considered": len(found.known),
        "messages_considered": len(thread.messages),
        "left_out": [left._asdict() for left in filled.left],
        "plan": found.plan,
        "memories": [
            {
                "id": hit.id,
                "score": round(hit.score, 4),
                "vector_rank": hit.breakdown.vector_rank,
                "similarity": hit.breakdown.similarity,
                "text_rank": hit.breakdown.text_rank,
                "boosts": hit.breakdown.boosts,
                "used": hit.id in taken,
            }
            for hit in found.hits
        ],
    }
