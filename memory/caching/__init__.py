"""Caches: one mechanism, five named ones. Redis away is a miss, never an error.

Data flows through named (which caches there are) → cache (one of them; store: where entries lie) → making (stampedes)
→ context, responses, embeddings (what uses them); beside it invalidate, warming and stats.
"""

from __future__ import annotations

from memory.caching.cache import Cache
from memory.caching.context import (
    conversation,
    forget_context,
    forget_contexts,
    forget_user,
    keep_context,
    look_up_context,
    pack_conversation,
    peek_context,
    response_namespace,
)
from memory.caching.embeddings import embed_cached
from memory.caching.erase import Held, forget_embeddings, forget_texts
from memory.caching.invalidate import clear, forget_scope, forget_tag
from memory.caching.making import get_or_make
from memory.caching.named import CACHES, CONTEXT, CONVERSATION, EMBEDDING, RESPONSE, TELLER, TOOL
from memory.caching.policy import Looked, Policy
from memory.caching.responses import Similar, find_similar, keep_answer
from memory.caching.store.usage import Used
from memory.caching.warming import Warmed, cache_of, register_maker, warm, warmable

__all__ = [
    "CACHES",
    "CONTEXT",
    "CONVERSATION",
    "EMBEDDING",
    "RESPONSE",
    "TELLER",
    "TOOL",
    "Cache",
    "Held",
    "Looked",
    "Policy",
    "Similar",
    "Used",
    "Warmed",
    "cache_of",
    "clear",
    "conversation",
    "embed_cached",
    "find_similar",
    "forget_context",
    "forget_contexts",
    "forget_embeddings",
    "forget_scope",
    "forget_tag",
    "forget_texts",
    "forget_user",
    "get_or_make",
    "keep_answer",
    "keep_context",
    "look_up_context",
    "pack_conversation",
    "peek_context",
    "register_maker",
    "response_namespace",
    "warm",
    "warmable",
]
