"""The kinds of jobs."""

from __future__ import annotations

PROCESS_MESSAGES = "process_messages"
PROCESS_TEXT = "process_text"
