"""What `up` runs: the steps before, and the children."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from holdfast.embedded import Addresses
from holdfast.supervisor.child import ChildSpec
from holdfast.supervisor.probe import Probe

WORKER_PATIENCE_S = 5.0
# Six Pythons that start at once on two cores all start slowly. The web server goes first, since people wait for it; the
# others start when it answers, or after so long.
WEB_FIRST_S = 15.0
# Which variable of the environment replaces which service, and which address of the embedded one it otherwise gets.
REPLACEMENTS = {"postgres": "DATABASE_URL", "cache": "REDIS_URL", "broker": "CELERY_BROKER_URL"}


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: where the checkout and the data are, and what the command line said.

    `simulator_port`: where the simulated provider listens; without one it isn't started.
    """

    base: Path
    folder: Path
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    demo: bool = True
    simulator_port: int | None = None


def wanted_services(environment: Mapping[str, str]) -> dict[str, bool]:
    """Which services to start: those that neither NAME nor NAME_FILE replaces."""
    return {
        service: not (environment.get(name) or environment.get(f"{name}_FILE"))
        for service, name in REPLACEMENTS.items()
    }


def service_variables(addresses: Addresses, wanted: Mapping[str, bool]) -> dict[str, str]:
    """The variables that tell the children about the started services."""
    urls = {"postgres": addresses.database_url, "cache": addresses.redis_url, "broker": addresses.broker_url}
    return {REPLACEMENTS[service]: url for service, url in urls.items() if wanted[service]}


def bootstrap(options: Options) -> ChildSpec:
    demo = ("--demo",) if options.demo else ()
    # Not prefixed: it prints what people and scripts copy.
    return ChildSpec("bootstrap", _manage(options, "bootstrap", *demo), is_prefixed=False)


def children(options: Options) -> list[ChildSpec]:
    """The web server, the worker, beat, the metrics' aggregator, and the demo unless it is not wanted."""
    specs = [_web(options), _worker(), _beat(options), _metrics(options)]
    if options.demo:
        url = Probe(options.host, options.port).url.rstrip("/")
        command = _manage(options, "demo", "--url", url)
        specs.append(ChildSpec("demo", command, is_restarted=False, start_after_s=WEB_FIRST_S))
    return specs


def early_children(options: Options) -> list[ChildSpec]:
    """The simulated provider, where it is wanted: it needs no database, and who asks it must not find it missing."""
    if options.simulator_port is None:
        return []
    command = (sys.executable, "-m", "memory.providers.simulator", "--port", str(options.simulator_port))
    return [ChildSpec("simulator", command)]


def _manage(options: Options, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, str(options.base / "manage.py"), *arguments)


def _web(options: Options) -> ChildSpec:
    where = ("--host", options.host, "--port", str(options.port), "--workers", str(options.workers))
    command = (sys.executable, "-m", "holdfast.supervisor.web", *where)
    # two threads in each web worker share connections, and may need one each for a moment more
    return ChildSpec("web", command, variables=(("HOLDFAST_DB_POOL", "4"),))


def _worker() -> ChildSpec:
    how = ("--concurrency", "2", "--prefetch-multiplier", "1", "--loglevel", "WARNING", "-n", "up@%h")
    # Celery's warm shutdown waits for a task as long as it takes. Nothing is lost by not waiting: jobs are rows with
    # leases in PostgreSQL, and what a killed worker had claimed comes back when its lease ends.
    return ChildSpec("worker", (*_celery(), "worker", *how), start_after_s=WEB_FIRST_S, quit_after_s=WORKER_PATIENCE_S)


def _beat(options: Options) -> ChildSpec:
    how = ("--schedule", str(options.folder / "beat-schedule"), "--loglevel", "WARNING")
    return ChildSpec("beat", (*_celery(), "beat", *how), start_after_s=WEB_FIRST_S)


def _metrics(options: Options) -> ChildSpec:
    return ChildSpec("metrics", _manage(options, "aggregate"), start_after_s=WEB_FIRST_S)


def _celery() -> tuple[str, ...]:
    # Celery warns of root because of pickle, which is not accepted here.
    quiet = ("-W", "ignore:You're running the worker with superuser privileges")
    return (sys.executable, *quiet, "-m", "celery", "--quiet", "-A", "holdfast")
