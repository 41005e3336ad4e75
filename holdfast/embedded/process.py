"""Processes of this machine: told apart by their command lines, waited for and stopped within a bound."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from signal import Signals

import psutil

POLL_S = 0.02


def find(pid: int | None, *, mark: str) -> psutil.Process | None:
    """The live process `pid` if `mark` stands in its command line; None when it is gone or somebody else's by now.

    The command line, not the working folder: root in a container without SYS_PTRACE can't read the latter.
    """
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        return process if is_alive(process) and mark in " ".join(process.cmdline()) else None
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def find_all(*, mark: str) -> list[psutil.Process]:
    """All live processes with `mark` in their command lines."""
    return [found for pid in psutil.pids() if (found := find(pid, mark=mark))]


def find_by_environment(name: str, value: str) -> list[psutil.Process]:
    """All live processes that were started with the environment variable `name` set to `value`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(name) == value and is_alive(process):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # gone meanwhile, or another user's and so not ours
    return found


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs. A zombie does not: in a container nobody may ever reap it."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def stop(process: psutil.Process, steps: Iterable[tuple[Signals, float]]) -> bool:
    """Send each signal in turn and wait its seconds; True when the process is gone."""
    for signal, wait_s in steps:
        try:
            process.send_signal(signal)
        except psutil.NoSuchProcess:
            return True
        if wait_until(lambda: not is_alive(process), timeout_s=wait_s):
            return True
    return False


def wait_until(condition: Callable[[], bool], *, timeout_s: float) -> bool:
    """Whether `condition` came true within `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def read_pid(file: Path) -> int | None:
    """The number on the first line of a pid file; None when there is no such file or no such number."""
    try:
        first = file.read_text().partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        return None
    return int(first) if first.isdecimal() and int(first) > 0 else None
