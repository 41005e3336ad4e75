"""Providers that can be away, and a way to run jobs as a worker does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory.jobs.kinds import is_batch
from memory.jobs.submit import submit
from memory.jobs.working import run
from memory.jobs.working.claim import claim
from memory.models import Job, Workspace
from memory.providers import configured
from memory.providers.base import Fact, ProviderError, ProviderUnavailableError, Said
from memory.providers.local.embedder import LocalEmbedder
from memory.providers.local.extractor import LocalExtractor
from memory.providers.local.summarizer import LocalSummarizer
from memory.work.messages.process import process
from tests.make import NOW, make_tools


@dataclass
class Remote:
    """Local providers under other names, that fail while `problem` is set."""

    model: str = "remote-1"
    name: str = "remote-1"
    dimensions: int = 256
    problem: ProviderError | None = None
    calls: int = 0
    texts: int = 0
    facts: Callable[[Said], list[Fact]] = field(default_factory=lambda: LocalExtractor().extract)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self._ask(len(texts))
        return LocalEmbedder().embed(texts)[:, ::-1]

    def extract(self, message: Said) -> list[Fact]:
        self._ask()
        return self.facts(message)

    def summarize(self, previous: str, messages: Sequence[Said], *, budget_tokens: int) -> str:
        self._ask()
        return "remote: " + LocalSummarizer().summarize(previous, messages, budget_tokens=budget_tokens - 5)

    def away(self, problem: ProviderError | None = None) -> None:
        self.problem = problem or ProviderUnavailableError("away")

    def back(self) -> None:
        self.problem = None

    def _ask(self, texts: int = 1) -> None:
        if self.problem is not None:
            raise self.problem
        self.calls += 1
        self.texts += texts


def ask(workspace: Workspace, kind: str, user_id: str = "mara", **payload: Any) -> Job:
    return submit(kind=kind, workspace_id=workspace.pk, user_id=user_id, payload=payload, now=NOW)


def result_of(job: Job) -> dict[str, Any]:
    """What the job left, as it is stored now."""
    job.refresh_from_db()
    result: dict[str, Any] = job.result or {}
    return result


def run_due(workspace: Workspace, *, user_id: str = "mara", now: datetime = NOW, most: int = 50) -> list[str]:
    """Run what is due for a user, slice after slice, as a worker does; the kinds in the order in which they ran."""
    ran: list[str] = []
    while len(ran) < most:
        taken = claim(now=now, lease=timedelta(minutes=1), limit=100, only=(workspace.pk, user_id))
        if taken is None:
            break
        ran += [job.kind for job in taken.jobs]
        batch = [job for job in taken.jobs if is_batch(job.kind)]
        if batch:
            assert not process(taken.token, batch, tools=make_tools(providers=configured.standby()), now=now)
        run.run(taken.token, [job for job in taken.jobs if not is_batch(job.kind)], clock=lambda: now)
    return ran
