"""Folds what one batch could not: a window into which thousands of messages came at once."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from memory import caching
from memory.conversation import summarize
from memory.errors import ConflictError
from memory.jobs.kinds import Again, Done, Work, job_kind
from memory.models import Conversation, Priority, Scope
from memory.work import tools
from memory.work.payloads import FoldWindow, RefreshSummary
from memory.work.upkeep.redo import FOLD_WINDOW, REFRESH_SUMMARY, order_again


@job_kind(
    FOLD_WINDOW, FoldWindow, title="Fold a window", priority=Priority.NORMAL, time_limit_s=25.0, scope=Scope.WRITE
)
def fold_window(work: Work[FoldWindow]) -> Done | Again:
    """Fold the conversation's window, slice by slice, until it is no longer full."""
    kit = tools.from_settings()
    before = (work.result or {}).get("messages", 0)
    mine = Conversation.objects.filter(
        pk=work.payload.conversation, workspace_id=work.workspace_id, user_id=work.user_id
    )
    reached = mine.values_list("summary_through", flat=True).first()
    if reached is None:
        return Done({"messages": before})  # it was deleted meanwhile: nothing is left to fold
    limits = kit.terms(work.workspace_id).window
    windows = summarize.full_windows({work.payload.conversation: limits})
    if not windows:
        return Done({"messages": before})
    fold, reason = summarize.folded(windows[0], kit.providers, limits)
    result = {"messages": before + fold.through - reached}
    write = partial(_write, work, fold, reason)
    return Again(work.payload, result=result, write=write) if fold.is_partial else Done(result, write)


def _write(work: Work[FoldWindow], fold: summarize.Fold, reason: str) -> None:
    if not summarize.write([fold], now=work.now):
        raise ConflictError("The conversation was summarized by another job meanwhile; this one tries again.")
    if reason:
        again = RefreshSummary(conversation=fold.conversation_id)
        user = (work.workspace_id, work.user_id)
        order_again(REFRESH_SUMMARY, again, user, now=work.now, key=str(fold.conversation_id))
    transaction.on_commit(lambda: caching.forget_context(work.workspace_id, work.user_id))
