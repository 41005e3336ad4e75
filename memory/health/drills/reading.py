"""How fast a context is: from the rows, and from the cache, of a user with memories and a long conversation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final

from django.utils import timezone

from memory import caching, context
from memory.dedupe.normalise import text_hash
from memory.health import sandbox
from memory.models import Memory, Workspace
from monitoring.health.drills import Drill, require

USER: Final = "drill"
MEMORIES: Final = 100
MESSAGES: Final = 40
READS: Final = 60
SUBJECTS: Final = ("garden", "marathon", "piano", "dog", "kitchen", "train", "novel", "harbour", "cheese", "winter")


def drill(drill: Drill) -> None:
    workspace = sandbox.make(drill.scope)
    providers = sandbox.local()
    with drill.step(f"make {MEMORIES} memories and {MESSAGES} messages") as step:
        _remember(workspace)
        said = [f"Note {number} about the {_subject(number)}." for number in range(MESSAGES)]
        thread, _ = sandbox.say(workspace, USER, said, now=timezone.now() + sandbox.LATER)
        step.detail = "one user, one conversation"

    def read(number: int) -> context.Context:
        return context.assemble(
            workspace_id=workspace.pk,
            user_id=USER,
            providers=providers,
            now=timezone.now(),
            conversation_id=thread.pk,
            query=f"What about the {_subject(number)}, {number}?",
        )

    with drill.step(f"read {READS} contexts from the rows") as step:
        require(bool(read(0).parts), "The context is empty.")
        times = _times(read)
        step.detail = f"{read(1).tokens} tokens"
    drill.figure("context p50", _quantile(times, 0.5), "ms", 25)
    drill.figure("context p95", _quantile(times, 0.95), "ms", 50)
    with drill.step(f"read {READS} contexts from the cache") as step:
        answer = context.as_json(read(0))
        looked = caching.look_up_context(workspace.pk, USER, drill.scope)
        caching.keep_context(workspace.pk, USER, drill.scope, answer, looked.version)
        found: list[bool] = []
        hits = _times(lambda _: found.append(_is_hit(workspace, drill.scope)))
        require(any(found), "The cache answered nothing: see whether Redis answers and has room.")
        step.detail = f"{len(answer):,} bytes"
    drill.figure("answered by the cache", 100 * sum(found) / READS, "%", 95, at_most=False)
    drill.figure("cached context p50", _quantile(hits, 0.5), "ms", 5)
    drill.figure("cached context p95", _quantile(hits, 0.95), "ms", 10)


def _is_hit(workspace: Workspace, digest: str) -> bool:
    return caching.look_up_context(workspace.pk, USER, digest).answer is not None


def _remember(workspace: Workspace) -> None:
    texts = [f"Cares about the {_subject(number)}, number {number}" for number in range(MEMORIES)]
    embedder = sandbox.local().local.embedder
    Memory.objects.bulk_create(
        Memory(
            workspace=workspace,
            user_id=USER,
            text=text,
            text_hash=text_hash(text),
            embedding=row,
            embedding_model=embedder.model,
        )
        for text, row in zip(texts, embedder.embed(texts), strict=True)
    )


def _times(read: Callable[[int], object]) -> list[float]:
    """How long each took, in milliseconds, the shortest first."""
    times = []
    for number in range(READS):
        began = perf_counter()
        read(number)
        times.append((perf_counter() - began) * 1000)
    return sorted(times)


def _quantile(times: Sequence[float], q: float) -> float:
    return times[min(len(times) - 1, int(q * len(times)))]


def _subject(number: int) -> str:
    return SUBJECTS[number % len(SUBJECTS)]
