"""One run of Holdfast, from the claim on its folder to the last process's end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

from holdfast import env
from holdfast.embedded import Services
from holdfast.supervisor import plan, simulator
from holdfast.supervisor.claims import MARK, claimed, clear_leftovers, require_port
from holdfast.supervisor.errors import NotReadyError
from holdfast.supervisor.output import Output
from holdfast.supervisor.plan import Options
from holdfast.supervisor.probe import Probe
from holdfast.supervisor.signals import StopWish
from holdfast.supervisor.supervisor import STOP_LIMIT_S, Supervisor

READY_LIMIT_S = 60.0
CARE_INTERVAL_S = 5.0


def up(options: Options) -> None:
    """Run until Ctrl-C or SIGTERM. Raises SupervisorError or embedded.ServiceError, with everything stopped."""
    output, wish = Output(sys.stdout), StopWish()
    wanted = plan.wanted_services(os.environ)
    services = Services(options.folder, say=output.say, **wanted)
    with ExitStack() as claims:
        mark = claims.enter_context(claimed(options.folder))
        if count := clear_leftovers(mark):
            output.say(f"ended {count} processes that an earlier run left behind")
        require_port(options.host, options.port)
        if options.simulator_port is not None:
            require_port(simulator.LOOPBACK, options.simulator_port, option="HOLDFAST_SIMULATOR_PORT")
        claims.enter_context(simulator.noted(options.folder, options.simulator_port))
        wish.listen()
        claims.callback(services.stop)
        variables = plan.service_variables(services.start(), wanted)
        # Unbuffered: a child's line is shown when it is written.
        environment = _of_simulator(options) | os.environ | variables | {MARK: mark, "PYTHONUNBUFFERED": "1"}
        supervisor = Supervisor(environment=environment, folder=options.base, output=output, wish=wish)
        # the web server drains first, while the others stop: its end comes so much later
        claims.callback(supervisor.stop, STOP_LIMIT_S + env.number("HOLDFAST_DRAIN_S", 0.0, least=0.0, most=300.0))
        _run(options, supervisor, services, output)
        output.say("stopping")


def _of_simulator(options: Options) -> dict[str, str]:
    """What the children get where the user's own environment does not say otherwise."""
    return {} if options.simulator_port is None else simulator.variables(options.simulator_port)


def _run(options: Options, supervisor: Supervisor, services: Services, output: Output) -> None:
    """The steps, then the children until the wish to stop."""
    supervisor.start_early(plan.early_children(options))
    said = supervisor.run_step(plan.bootstrap(options))
    welcomed = welcome(Probe(options.host, options.port).url, said) + simulator.welcome(options.simulator_port)
    watch = _Watch(Probe(options.host, options.port), services, output, welcomed, on_ready=supervisor.hasten)
    supervisor.run(plan.children(options), on_tick=watch.tick)


class _Watch:
    """What `up` looks at between two ticks: first that the web server comes up, then that the services stay up."""

    def __init__(
        self, probe: Probe, services: Services, output: Output, welcomed: list[str], *, on_ready: Callable[[], None]
    ) -> None:
        self._probe = probe
        self._services = services
        self._output = output
        self._welcomed = welcomed
        self._on_ready = on_ready
        self._deadline = time.monotonic() + READY_LIMIT_S
        self._next_care = time.monotonic() + CARE_INTERVAL_S
        self._is_ready = False

    def tick(self) -> None:
        """Raises NotReadyError, or a ServiceError when a service that ended can't be started again."""
        now = time.monotonic()
        if not self._is_ready:
            self._await_web(now)
        if now >= self._next_care:
            self._next_care = now + CARE_INTERVAL_S
            self._services.trim_logs()
            for name in self._services.revive():
                self._output.say(f"the embedded {name} had ended and was started again")

    def _await_web(self, now: float) -> None:
        if self._probe.is_live():
            self._is_ready = True
            self._on_ready()
            for line in self._welcomed:
                self._output.say(line)
        elif now > self._deadline:
            raise NotReadyError(
                f"The web server did not answer 200 at {self._probe.url}livez in {READY_LIMIT_S:.0f} s "
                f"(last seen: {self._probe.last_seen}); its lines stand above."
            )


def welcome(url: str, said: list[str]) -> list[str]:
    """Where to go and how to sign in, from what `bootstrap` said (`admin NAME PASSWORD_FILE_OR_-`)."""
    lines = [f"Holdfast is up: {url} (Ctrl-C stops it)"]
    for parts in (line.split(maxsplit=2) for line in said):
        if len(parts) == 3 and parts[0] == "admin":
            secret = "the password is the one that you chose" if parts[2] == "-" else f"the password is in {parts[2]}"
            lines.append(f"Sign in as {parts[1]}; {secret}")
    return lines
