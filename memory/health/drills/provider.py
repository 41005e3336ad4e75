"""A provider breaks, and service goes on: a simulated one behind a real guard, with a breaker of the drill's own."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from django.conf import settings
from django.utils import timezone

from memory import context
from memory.conversation.ingest import NewMessage, append, open_conversation
from memory.health import sandbox
from memory.models import Workspace
from memory.providers.base import ProviderError
from memory.providers.guard import Guard
from memory.providers.guard.retry import verdict
from memory.providers.local.embedder import LocalEmbedder
from memory.providers.remote.embedder import RemoteEmbedder
from memory.providers.remote.endpoint import EMBEDDING, Endpoint
from memory.providers.remote.profiles import COMPATIBLE
from memory.providers.simulator import Simulator
from memory.providers.standby import Providers, Standby
from monitoring.breakers import Breaker, OpenError, Policy, State
from monitoring.health.drills import Drill, breaker, require

USER: Final = "drill"
POLICY: Final = Policy(consecutive=3, failure_rate=None, successes=2, probes=1, open_s=0.5, open_limit_s=0.5, probe_s=3)
TIMEOUT_S: Final = 1.0
FAST: Final = 200  # calls that fail fast, timed
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Scene:
    """What the drill plays with."""

    simulator: Simulator
    breaker: Breaker
    embedder: RemoteEmbedder
    read: Callable[[], context.Context]


def drill(drill: Drill) -> None:
    require(
        settings.HOLDFAST_PRIVATE_PROVIDERS,
        "HOLDFAST_PRIVATE_PROVIDERS forbids the loopback address of the simulated provider: allow it to drill this.",
    )
    workspace = sandbox.make(drill.scope)
    with Simulator() as simulator:
        scene = _scene(drill.scope, workspace, simulator)
        _closed(drill, scene)
        _opens(drill, scene)
        _fails_fast(drill, scene)
        _serves(drill, scene)
        _recovers(drill, scene)


def clean(scope: str) -> None:
    sandbox.remove(scope)
    breaker.remove(scope)


def _scene(scope: str, workspace: Workspace, simulator: Simulator) -> Scene:
    own = breaker.make(scope, title="Drill", policy=POLICY, classify=verdict)
    guard = Guard("drill", title="Drill", breaker=own, timeout_s=TIMEOUT_S, rate_per_s=1000, attempts=1)
    endpoint = Endpoint(EMBEDDING, COMPATIBLE, simulator.api_url, LocalEmbedder.model)
    remote = RemoteEmbedder(endpoint, guard)
    local = sandbox.local().local
    providers = Standby(first=Providers(remote, local.extractor, local.summarizer), local=local)
    thread, _ = open_conversation(workspace_id=workspace.pk, user_id=USER, external_id=None)
    said = [NewMessage("user", "I live in Leeds and I keep bees.")]
    append(workspace_id=workspace.pk, conversation_id=thread.pk, messages=said, now=timezone.now() + sandbox.LATER)

    def read() -> context.Context:
        # another question each time: vectors that were made before come from the cache
        return context.assemble(
            workspace_id=workspace.pk,
            user_id=USER,
            providers=providers,
            now=timezone.now(),
            conversation_id=thread.pk,
            query=_text(scope),
        )

    return Scene(simulator, own, remote, read)


def _text(scope: str) -> str:
    return f"Where are the bees of {scope}, question {next(_numbers)}?"


def _closed(drill: Drill, scene: Scene) -> None:
    with drill.step("read a context while the provider answers") as step:
        found = scene.read()
        require(not found.degraded and bool(found.parts), "The context was degraded while the provider answered.")
        require(scene.breaker.state is State.CLOSED, "The breaker is not closed at the start.")
        step.detail = f"{len(scene.simulator.requests)} request answered, breaker closed"


def _opens(drill: Drill, scene: Scene) -> None:
    with drill.step("break the provider") as step:
        scene.simulator.set(error_rate=1.0)
        calls = 0
        while scene.breaker.state is State.CLOSED and calls < 3 * (POLICY.consecutive or 1):
            calls += 1
            require(scene.read().degraded, "A context did not say that it was degraded.")
        require(
            scene.breaker.state is State.OPEN, f"The breaker is {scene.breaker.state.label} after {calls} failures."
        )
        step.detail = f"open after {calls} failed calls; each was answered by the standard path"
    drill.figure("failures until open", calls, "calls", POLICY.consecutive or 1)


def _fails_fast(drill: Drill, scene: Scene) -> None:
    with drill.step("ask while the breaker is open") as step:
        asked = len(scene.simulator.requests)
        began, refused = perf_counter(), 0
        for _ in range(FAST):
            refused += _is_refused(scene)
        each_us = (perf_counter() - began) / FAST * 1e6
        require(refused > 0, "Nobody was refused while the breaker was open.")
        probes = len(scene.simulator.requests) - asked
        require(probes <= FAST - refused, f"{probes} calls reached the provider.")
        step.detail = f"{refused} of {FAST} calls refused, {probes} probes let through"
    drill.figure("a refused call", each_us, "µs", 2000)


def _is_refused(scene: Scene) -> bool:
    try:
        scene.breaker.admit().fail("drill")
    except OpenError:
        return True
    return False


def _serves(drill: Drill, scene: Scene) -> None:
    with drill.step("read a context without the provider") as step:
        began = perf_counter()
        found = scene.read()
        took_ms = (perf_counter() - began) * 1000
        require(found.degraded and bool(found.reasons), "The context did not say that it was degraded, and why.")
        require("bees" in found.text, "The standard path lost what was said.")
        step.detail = found.reasons[0]
    drill.figure("a context without the provider", took_ms, "ms", 100)


def _recovers(drill: Drill, scene: Scene) -> None:
    with drill.step("heal the provider") as step:
        scene.simulator.set(error_rate=0.0)
        wait_s = drill.wait(
            lambda: _is_closed(scene),
            at_most_s=5.0,
            otherwise=f"The breaker is still {scene.breaker.state.label} 5 s after the provider was healed.",
        )
        step.detail = f"closed again after {POLICY.successes} probes, {wait_s:.1f} s"
    with drill.step("read a context again") as step:
        require(not scene.read().degraded, "The context is still degraded after the provider was healed.")
        step.detail = "by the provider, nothing degraded"
    drill.figure("from healed to closed", wait_s, "s", 3)


def _is_closed(scene: Scene) -> bool:
    """Ask once more, and see."""
    with suppress(ProviderError):
        scene.embedder.embed([_text("recovery")])
    return scene.breaker.state is State.CLOSED
