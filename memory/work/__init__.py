"""Does the jobs: importing it registers all their kinds.

messages is the main one (share: what is read for each user; one commit for many); upkeep does again what was done in
second best, and keeps memories and summaries tidy; orders are what people ask for.
"""

from __future__ import annotations

from memory.work.messages import process, reread
from memory.work.orders import answer, drill, erase, transfer, warm
from memory.work.upkeep import dedupe, fold, index, judge, large_scopes, renew

__all__ = [
    "answer",
    "dedupe",
    "drill",
    "erase",
    "fold",
    "index",
    "judge",
    "large_scopes",
    "process",
    "renew",
    "reread",
    "transfer",
    "warm",
]
