"""The simulated provider on the command line: run one, and show or turn the knobs of one that runs."""

from __future__ import annotations

import argparse
import json
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from types import FrameType
from typing import Any, Final

from memory.providers.simulator.answers import openai
from memory.providers.simulator.knobs import KnobError, Knobs, kind_of
from memory.providers.simulator.server import LOOPBACK, Server
from memory.providers.simulator.traffic import Traffic

PORT: Final = 8900
ANSWER_S: Final = 5.0
ACTIONS: Final = ("run", "set", "show", "heal")


class SimulatorError(Exception):
    """It can't be started or reached, or refuses; the text says what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions, where the simulator is, and one option per knob."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=ACTIONS,
        default="run",
        help="run one (the default); set knobs of a running one; show its knobs and counts; heal: all knobs back",
    )
    parser.add_argument("--port", type=int, default=PORT, help="for run (default: %(default)s; 0: a free one)")
    parser.add_argument("--key", default="", help="for run: the key that requests must carry (default: any)")
    parser.add_argument("--url", default="", help="for set, show, heal: where it runs")
    for knob in fields(Knobs):
        kind = kind_of(knob.name)
        option = f"--{knob.name.replace('_', '-')}"
        if kind is bool:
            parser.add_argument(option, action=argparse.BooleanOptionalAction, default=None)
        else:
            parser.add_argument(option, type=kind, metavar="N", help=f"healthy: {knob.default}")


def act(options: Mapping[str, Any], *, write: Callable[[str], object], url: str = "") -> None:
    """Do what the options say; `url` is where one runs if they don't say it. Raises SimulatorError."""
    changes = {knob.name: options[knob.name] for knob in fields(Knobs) if options.get(knob.name) is not None}
    where = (options["url"] or url or f"http://{LOOPBACK}:{PORT}").rstrip("/")
    match options["action"]:
        case "run":
            run(_knobs(changes), port=options["port"], key=options["key"], write=write)
        case "set":
            _require_some(changes)
            write(_shown(_ask(f"{where}/knobs", changes)))
        case "heal":
            write(_shown(_ask(f"{where}/knobs", asdict(Knobs()))))
        case _:
            write(_shown(_ask(f"{where}/stats")))


def run(knobs: Knobs, *, port: int, key: str, write: Callable[[str], object]) -> None:
    """Serve until SIGTERM or Ctrl-C; main thread only. Raises SimulatorError when the port can't be had."""
    try:
        server = Server((LOOPBACK, port), Traffic(knobs, remembers=False), key=key)
    except (OSError, OverflowError) as problem:
        raise SimulatorError(f"The simulated provider can't listen on port {port}: {problem}.") from None
    wish = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        wish.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    write(f"The simulated provider listens at {server.url}")
    openai.warm()
    wish.wait()
    server.stop()
    thread.join()


def _knobs(changes: Mapping[str, Any]) -> Knobs:
    try:
        return Knobs().changed(changes)
    except KnobError as problem:
        raise SimulatorError(str(problem)) from None


def _require_some(changes: Mapping[str, Any]) -> None:
    if not changes:
        raise SimulatorError("Name at least one knob, e.g. --error-rate 1.")


def _ask(url: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """GET, or POST of `changes`. Raises SimulatorError in the words of the one that refused."""
    if not url.startswith("http://"):
        raise SimulatorError(f"The address must begin with http://, got {url!r}.")
    body = None if changes is None else json.dumps(changes).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as problem:
        with problem:
            raise SimulatorError(_said(problem.read())) from None
    except (OSError, ValueError) as problem:
        raise SimulatorError(f"No simulated provider answers at {url} ({problem}): name it with --url.") from None


def _said(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return "What answers there is no simulated provider: name it with --url."


def _shown(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2)
