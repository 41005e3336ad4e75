"""Does the jobs: importing it registers all their kinds.

messages is the main one (share: what is read for each user; one commit for many); redo asks for what was done in
second best to be done again, and reread and renew do it; each other kind has a module of its own.
"""

from __future__ import annotations

from memory.work import answer, dedupe, drill, erase, messages, renew, reread, transfer, warm

__all__ = ["answer", "dedupe", "drill", "erase", "messages", "renew", "reread", "transfer", "warm"]
