"""`manage.py up`: children that are prefixed, restarted, stopped; and what it refuses."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from django.core.management.base import CommandError

from holdfast.embedded import Addresses
from holdfast.management.commands.up import Command
from holdfast.supervisor import Options, plan
from holdfast.supervisor.child import LAUNCHER, ChildSpec
from holdfast.supervisor.claims import MARK, claimed, clear_leftovers, require_port
from holdfast.supervisor.errors import AlreadyRunningError, PortError, StepError
from holdfast.supervisor.output import Output
from holdfast.supervisor.restarts import RestartPolicy, Restarts
from holdfast.supervisor.signals import StopWish
from holdfast.supervisor.supervisor import Supervisor
from holdfast.supervisor.up import welcome
from tests.holdfast.places import ALONE

ANSWER_S = 20
# A supervisor of the children that are given as code: it says what it says, and ends like `up`.
DRIVER = """
import os, sys
from pathlib import Path
from holdfast.supervisor.child import ChildSpec
from holdfast.supervisor.errors import SupervisorError
from holdfast.supervisor.output import Output
from holdfast.supervisor.restarts import RestartPolicy
from holdfast.supervisor.signals import StopWish
from holdfast.supervisor.supervisor import Supervisor
wish = StopWish()
wish.listen()
policy = RestartPolicy(first_delay_s=0.01)
output = Output(sys.stdout)
supervisor = Supervisor(environment=os.environ, folder=Path("/"), output=output, wish=wish, policy=policy)
specs = [ChildSpec(f"child{i}", (sys.executable, "-I", "-c", code), quit_after_s=QUIT_AFTER_S)
         for i, code in enumerate(sys.argv[1:])]
try:
    supervisor.run(specs, on_tick=lambda: None)
except SupervisorError as problem:
    output.say(str(problem))
    sys.exit(1)
finally:
    supervisor.stop(limit_s=1)
"""
WAITS = "import time; print('ready', flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"


@contextmanager
def make_supervisor(*codes: str, quit_after_s: float | None = None, mark: str = "") -> Iterator[subprocess.Popen[str]]:
    """A supervisor of python children with these codes; killed at the end if it still runs."""
    driver = ALONE + DRIVER.replace("QUIT_AFTER_S", repr(quit_after_s))
    environment = os.environ | ({MARK: mark} if mark else {})
    command = [sys.executable, "-c", driver, *codes]
    with subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    """The lines up to the one with `words` in it."""
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if words in line:
            return lines
    raise AssertionError(f"{words!r} was not said, but: {lines}")


def pids_of_children(process: subprocess.Popen[str]) -> list[int]:
    return [child.pid for child in psutil.Process(process.pid).children(recursive=True)]


def are_gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + ANSWER_S
    while any(_is_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_each_line_of_a_child_carries_its_name() -> None:
    with make_supervisor(f"print('one\\ntwo'); {WAITS}", WAITS) as process:
        lines = read_until(process, "child0   | ready")
        assert [line for line in lines if line.startswith("child0")] == [
            "child0   | one",
            "child0   | two",
            "child0   | ready",
        ]
        process.terminate()
        assert process.wait(ANSWER_S) == 0


def test_colours_are_for_terminals_without_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain = Terminal(), Terminal()
    Output(coloured).line("web", "hello")
    monkeypatch.setenv("NO_COLOR", "1")
    Output(plain).line("web", "hello")
    assert coloured.getvalue() == "\x1b[36mweb      |\x1b[0m hello\n"
    assert plain.getvalue() == "web      | hello\n"


def test_a_reader_that_is_gone_does_not_stop_the_children() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    output = Output(os.fdopen(writing, "w", buffering=1))
    output.say("nobody hears this")
    output.say("nor this")
    assert output._stream is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_children(number: signal.Signals) -> None:
    with make_supervisor(WAITS, WAITS) as process:
        read_until(process, "ready")
        read_until(process, "ready")
        pids = pids_of_children(process)
        assert len(pids) == 2
        process.send_signal(number)
        assert process.wait(ANSWER_S) == 0
        assert are_gone(pids)


def test_a_child_that_ignores_sigterm_is_killed_with_all_that_it_started() -> None:
    parent = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DEAF!r}]); {DEAF}"
    with make_supervisor(parent, WAITS) as process:
        for _ in range(3):
            read_until(process, "ready")
        pids = pids_of_children(process)
        assert len(pids) == 3
        asked_at = time.monotonic()
        process.terminate()
        assert "did not end in 1 s: killed" in read_until(process, "killed")[-1]
        assert process.wait(ANSWER_S) == 0
        assert time.monotonic() - asked_at < 10
        assert are_gone(pids)


def test_a_slow_child_is_asked_a_second_time() -> None:
    slow = f"import signal, sys; signal.signal(signal.SIGQUIT, lambda *_: sys.exit('cold')); {DEAF}"
    with make_supervisor(slow, quit_after_s=0.1) as process:
        read_until(process, "ready")
        process.terminate()
        assert read_until(process, "cold")
        assert process.wait(ANSWER_S) == 0


def test_a_child_that_ends_is_started_again_until_it_ended_too_often() -> None:
    with make_supervisor("print('begins'); raise SystemExit(3)", WAITS) as process:
        lines = read_until(process, "after 5 restarts")
        assert lines.count("child0   | begins") == 6
        assert "up       | child0 ended with exit code 3; started again in 0.01 s" in lines
        assert process.wait(ANSWER_S) == 1


def test_those_that_wait_for_others_start_at_a_word(tmp_path: Path) -> None:
    said = io.StringIO()

    class UntilLateSpoke(StopWish):
        def is_asked(self) -> bool:
            return "late     | here" in said.getvalue()

    supervisor = Supervisor(environment=os.environ, folder=tmp_path, output=Output(said), wish=UntilLateSpoke())
    speaks = (sys.executable, "-I", "-c", f"print('here'); {WAITS}")
    supervisor.start_early([ChildSpec("early", speaks)])
    try:
        supervisor.run([ChildSpec("late", speaks, start_after_s=3600)], on_tick=supervisor.hasten)
    finally:
        supervisor.stop(limit_s=1)
    assert "early    | here" in said.getvalue()


def test_restarts_wait_twice_as_long_each_time_and_are_forgotten_after_the_window() -> None:
    restarts = Restarts(RestartPolicy(limit=3, window_s=60, first_delay_s=0.5))
    assert [restarts.next_delay_s(now) for now in (0, 1, 2, 3)] == [0.5, 1, 2, None]
    assert restarts.next_delay_s(100) == 0.5


def test_children_do_not_outlive_a_killed_supervisor() -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child of its parent's death; elsewhere the next `up` clears them")
    with make_supervisor(WAITS) as process:
        read_until(process, "ready")
        pids = pids_of_children(process)
        process.kill()
        assert are_gone(pids)


def test_the_next_up_clears_children_that_a_killed_one_left() -> None:
    with make_supervisor(DEAF, mark="a folder's mark") as process:
        read_until(process, "ready")
        pids = pids_of_children(process)
        process.kill()
        process.wait()
        assert clear_leftovers("another folder's mark") == 0
        assert clear_leftovers("a folder's mark", wait_s=0.2) == len(pids) == 1
        assert are_gone(pids)


def test_a_child_whose_supervisor_is_gone_already_does_not_start() -> None:
    ran = subprocess.run(
        [sys.executable, "-I", "-S", str(LAUNCHER), "1", sys.executable, "-c", "print('started')"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "The supervisor is gone.\n")


def test_a_step_that_fails_is_named(tmp_path: Path) -> None:
    supervisor, said = _supervisor(tmp_path)
    with pytest.raises(StepError, match="`migrate` ended with exit code 4; what it said stands above"):
        supervisor.run_step(ChildSpec("migrate", (sys.executable, "-c", "print('why'); raise SystemExit(4)")))
    assert said.getvalue() == "migrate  | why\n"


def test_a_step_without_prefix_is_passed_through_and_read(tmp_path: Path) -> None:
    supervisor, said = _supervisor(tmp_path)
    lines = supervisor.run_step(
        ChildSpec("bootstrap", (sys.executable, "-c", "print('admin ops /some/file')"), is_prefixed=False)
    )
    assert lines == ["admin ops /some/file"]
    assert said.getvalue() == "admin ops /some/file\n"


def test_the_welcome_names_address_user_and_password_file() -> None:
    assert welcome("http://127.0.0.1:8000/", ["made a workspace", "admin ops /some/file"]) == [
        "Holdfast is up: http://127.0.0.1:8000/ (Ctrl-C stops it)",
        "Sign in as ops; the password is in /some/file",
    ]
    assert welcome("http://[::1]:8000/", ["admin ops -"])[1] == "Sign in as ops; the password is the one that you chose"


def test_a_port_in_use_is_named_with_the_option() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=rf"port {port} of 127.0.0.1 is in use: .* --port"):
            require_port("127.0.0.1", port)
    require_port("127.0.0.1", port)


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(PortError, match=r"192\.0\.2\.1 is not an address of this machine"):
        require_port("192.0.2.1", 8000)


def test_a_second_up_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (
        claimed(tmp_path),
        pytest.raises(AlreadyRunningError, match=rf"runs from {re.escape(str(tmp_path))} \(process {os.getpid()}\)"),
        claimed(tmp_path),
    ):
        pass
    with claimed(tmp_path):
        pass


def test_a_service_that_the_environment_replaces_is_not_started() -> None:
    given = {"DATABASE_URL": "postgresql://elsewhere/db", "CELERY_BROKER_URL_FILE": "/some/secret", "REDIS_URL": ""}
    wanted = plan.wanted_services(given)
    assert wanted == {"postgres": False, "cache": True, "broker": False}
    variables = plan.service_variables(Addresses("postgresql://", "unix://", "redis+socket://"), wanted)
    assert variables == {"REDIS_URL": "unix://"}


def test_the_demo_is_left_out_on_request_and_never_restarted(tmp_path: Path) -> None:
    with_demo = plan.children(Options(base=tmp_path, folder=tmp_path))
    without = plan.children(Options(base=tmp_path, folder=tmp_path, demo=False))
    assert [(spec.name, spec.is_restarted) for spec in with_demo] == [
        ("web", True),
        ("worker", True),
        ("beat", True),
        ("metrics", True),
        ("demo", False),
    ]
    assert with_demo[:-1] == without


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "99999"], "must be a port from 1 to 65535, got '99999'"),
        (["--workers", "0"], "must be a positive integer, got '0'"),
    ],
)
def test_nonsense_on_the_command_line_is_refused(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        Command().create_parser("manage.py", "up").parse_args(arguments)


def _supervisor(folder: Path) -> tuple[Supervisor, io.StringIO]:
    said = io.StringIO()
    return Supervisor(environment=os.environ, folder=folder, output=Output(said), wish=StopWish()), said
