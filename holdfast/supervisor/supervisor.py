"""Keep a family of child processes running, and end it whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from signal import SIGQUIT, SIGTERM

from holdfast.supervisor.child import Child, ChildSpec
from holdfast.supervisor.errors import RestartLimitError, StepError
from holdfast.supervisor.output import Output
from holdfast.supervisor.restarts import RestartPolicy, Restarts
from holdfast.supervisor.signals import StopWish

TICK_S = 0.1
STOP_LIMIT_S = 10.0


class Supervisor:
    """Runs steps to their end and children until the wish to stop. All calls from the main thread."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        folder: Path,
        output: Output,
        wish: StopWish,
        policy: RestartPolicy | None = None,
    ) -> None:
        self._environment = environment
        self._folder = folder
        self._output = output
        self._wish = wish
        self._policy = policy or RestartPolicy()
        self._children: dict[str, Child] = {}
        self._restarts: dict[str, Restarts] = {}
        self._due: dict[str, tuple[float, ChildSpec]] = {}

    def run_step(self, spec: ChildSpec) -> list[str]:
        """Run one command to its end; the lines of one that is not prefixed. Raises StepError."""
        if self._wish.is_asked():
            return []
        child = self._start(spec)
        while child.exit_code() is None and not self._wish.is_asked():
            time.sleep(TICK_S / 2)
        if self._wish.is_asked():
            return []  # stop() ends it
        del self._children[spec.name]
        child.end()
        if child.exit_code() != 0:
            raise StepError(f"`{spec.name}` {child.ending()}; what it said stands above.")
        return child.lines

    def start_early(self, specs: Sequence[ChildSpec]) -> None:
        """Start children while steps run; they are watched from `run` on."""
        for spec in specs:
            self._start(spec)

    def hasten(self) -> None:
        """Start now whoever waits for the first start; restarts keep their delay."""
        now = time.monotonic()
        for name, (_, spec) in self._due.items():
            if name not in self._restarts:
                self._due[name] = (now, spec)

    def run(self, specs: Sequence[ChildSpec], *, on_tick: Callable[[], None]) -> None:
        """Start the children and keep them until the wish to stop. Raises RestartLimitError; stop() is the caller's."""
        begun = time.monotonic()
        self._due = {spec.name: (begun + spec.start_after_s, spec) for spec in specs}
        while not self._wish.is_asked():
            now = time.monotonic()
            self._notice_ends(now)
            self._start_due(now)
            on_tick()
            time.sleep(TICK_S)

    def stop(self, limit_s: float = STOP_LIMIT_S) -> None:
        """Ask all to end, wait at most `limit_s` in all, then kill them with all that they started."""
        asked_at = time.monotonic()
        for child in self._children.values():
            child.send(SIGTERM)
        impatient = {name: c for name, c in self._children.items() if c.spec.quit_after_s is not None}
        while self._living() and (waited_s := time.monotonic() - asked_at) < limit_s:
            for name, child in list(impatient.items()):
                if waited_s > (child.spec.quit_after_s or 0):
                    child.send(SIGQUIT)
                    del impatient[name]
            time.sleep(TICK_S / 2)
        if late := self._living():
            self._output.say(f"{', '.join(late)} did not end in {limit_s:.0f} s: killed")
        for child in self._children.values():
            child.end()
        self._children.clear()

    def _start(self, spec: ChildSpec) -> Child:
        child = Child(spec, environment=self._environment, folder=self._folder, output=self._output)
        self._children[spec.name] = child
        return child

    def _living(self) -> list[str]:
        return [name for name, child in self._children.items() if child.exit_code() is None]

    def _notice_ends(self, now: float) -> None:
        for name, child in list(self._children.items()):
            if child.exit_code() is None:
                continue
            del self._children[name]
            child.end()
            self._judge_end(child, now)

    def _judge_end(self, child: Child, now: float) -> None:
        name = child.spec.name
        if not child.spec.is_restarted:
            self._output.say(f"{name} {child.ending()}")
            return
        restarts = self._restarts.setdefault(name, Restarts(self._policy))
        delay_s = restarts.next_delay_s(now)
        if delay_s is None:
            raise RestartLimitError(
                f"{name} {child.ending()}, after {self._policy.limit} restarts in {self._policy.window_s:.0f} s: "
                "see its lines above."
            )
        self._output.say(f"{name} {child.ending()}; started again in {delay_s:g} s")
        self._due[name] = (now + delay_s, child.spec)

    def _start_due(self, now: float) -> None:
        for name, (when, spec) in list(self._due.items()):
            if now >= when:
                del self._due[name]
                self._start(spec)
