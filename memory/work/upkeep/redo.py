"""Orders what is done later: what a stand-in did while a provider was away, and duplicates that nobody looked for."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from memory import catalogue
from memory.jobs.kinds import Again, Payload, Work
from memory.jobs.submit import submit_many
from memory.jobs.working.run import told
from memory.models import Priority
from memory.providers.base import ProviderError, ProviderOpenError, ProviderRefusedError
from memory.work.messages.share import Share
from memory.work.payloads import (
    Dedupe,
    Enlarge,
    FoldWindow,
    IndexMessages,
    ProcessText,
    Redo,
    Reembed,
    RefreshSummary,
    Reread,
)

REEMBED, REREAD, REFRESH_SUMMARY, DEDUPE, JUDGE = "reembed", "reread", "refresh_summary", "dedupe", "judge"
FOLD_WINDOW = "fold_window"
INDEX, ENLARGE = "index_messages", "enlarge_index"
DEGRADED: Final = "degraded"  # the key: one such job at a time waits for a user
BATCH: Final = "batch"  # the key of merging what was added without looking for near duplicates
SOON: Final = timedelta(seconds=5)
TOGETHER: Final = timedelta(minutes=5)  # after which all that came meanwhile is merged in one go
LONGEST: Final = timedelta(minutes=5)

R = TypeVar("R", bound=Redo)


def order(shares: Iterable[Share], *, grown: Collection[tuple[uuid.UUID, str]] = (), now: datetime) -> None:
    """Ask for what these users' stand-ins did to be redone, in the transaction that writes it.

    And for their new facts to be compared with each other, where that was left for later; and for the large indexes,
    for those who have grown into them.
    """
    wanted: dict[tuple[str, str], list[tuple[Share, Payload]]] = defaultdict(list)  # by kind and key
    for share in shares:
        if share.vectors_reason and share.found:
            wanted[REEMBED, DEGRADED].append((share, Reembed()))
        if share.vectors_reason and share.spoken:
            wanted[INDEX, DEGRADED].append((share, IndexMessages()))
        if share.user in grown:
            wanted[ENLARGE, DEGRADED].append((share, Enlarge()))
        if share.found and not catalogue.compares(*share.user):
            wanted[DEDUPE, BATCH].append((share, Dedupe()))
        if share.misread:
            wanted[REREAD, ""].append((share, _reread(share)))
        for kind, of in _summaries(share):
            wanted[kind, str(of.conversation)].append((share, of))
    for (kind, key), found in wanted.items():
        _submit(kind, key, [(*share.user, payload) for share, payload in found], now)


def order_again(kind: str, payload: Redo, user: tuple[uuid.UUID, str], *, now: datetime, key: str = DEGRADED) -> None:
    """The same for one user's one thing."""
    _submit(kind, key, [(*user, payload)], now)


def later(work: Work[R], payload: R, problem: ProviderError) -> Again:
    """Wait for the provider: 5, 10, 20 … seconds, at most 5 minutes; an open breaker says itself how long.

    It is no failed attempt. Raises a problem that stays when the provider is back: a request that it refuses.
    """
    if isinstance(problem, ProviderRefusedError):
        raise problem
    wait = min(LONGEST, SOON * 2 ** min(payload.tries, 10))
    if isinstance(problem, ProviderOpenError):
        wait = min(LONGEST, timedelta(seconds=max(1.0, problem.retry_after_s or 0.0)))
    result = dict(work.result or {}) | {"waits_for": told(problem)}
    # some spread, so that not all that waits asks in the same moment
    return Again(payload.model_copy(update={"tries": payload.tries + 1}), wait * random.uniform(1, 1.2), result)


def _summaries(share: Share) -> Iterator[tuple[str, RefreshSummary | FoldWindow]]:
    """What is to be done about the share's conversations: summaries of a stand-in, and windows that are still full."""
    for fold, reason in share.folds:
        if reason:
            yield REFRESH_SUMMARY, RefreshSummary(conversation=fold.conversation_id)
        if fold.is_partial:
            yield FOLD_WINDOW, FoldWindow(conversation=fold.conversation_id)


def _reread(share: Share) -> Reread:
    texts = {job.id: job.payload for job in share.jobs}
    return Reread(
        messages=[id for id in share.misread if id not in texts],
        texts=[ProcessText.model_validate(texts[id]) for id in share.misread if id in texts],
    )


def _submit(kind: str, key: str, wanted: Sequence[tuple[uuid.UUID, str, Payload]], now: datetime) -> None:
    workspaces: dict[uuid.UUID, list[tuple[str, Payload]]] = defaultdict(list)
    for workspace_id, user_id, payload in wanted:
        workspaces[workspace_id].append((user_id, payload))
    for workspace_id, of_workspace in workspaces.items():
        wait = TOGETHER if key == BATCH else SOON
        more: dict[str, Any] = {"priority": Priority.LOW, "available_at": now + wait, "is_follow_up": True}
        users, payloads = zip(*of_workspace, strict=True)
        submit_many(
            kind=kind, workspace_id=workspace_id, user_ids=users, payloads=payloads, now=now, key=key, **more
        )  # fmt: skip
