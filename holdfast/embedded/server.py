"""One server's life: adopt the one that runs, else launch, wait until it answers, stop within a bound."""

from __future__ import annotations

import os
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from signal import Signals
from typing import Any, ClassVar

from holdfast.embedded.account import Account
from holdfast.embedded.errors import (
    FULL_DISK_WORDS,
    DiskFullError,
    FolderError,
    NotAnsweringError,
    ServerDiedError,
    explaining,
)
from holdfast.embedded.folder import Layout
from holdfast.embedded.locks import Lock
from holdfast.embedded.log import Log
from holdfast.embedded.process import find, read_pid, stop, wait_until

READY_LIMIT_S = 120.0  # a first answer after a crash waits for PostgreSQL's recovery
RETRY_LIMIT_S = 20.0
RETRY_PAUSE_S = 0.2


class Server(ABC):
    """A program that keeps data in a folder of its own and answers on a unix socket.

    Whoever launched it owns it, by a lock on the file `owner` that ends with the owner's process. A server whose
    owner is gone belongs to whoever adopts it; one whose owner lives is used and left running.
    """

    name: ClassVar[str]
    pid_file_name: ClassVar[str]
    stop_steps: ClassVar[tuple[tuple[Signals, float], ...]]

    def __init__(self, layout: Layout, account: Account) -> None:
        self.layout = layout
        self.account = account
        self.home = layout.home / self.name
        self.data = self.home / "data"
        self.log = Log(self.home / "log")
        self._owner = Lock(self.home / "owner")
        self._child: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def mark(self) -> str:
        """What tells this server's command line from every other's."""

    def inspect(self) -> None:  # noqa: B027 - most servers take any data
        """Refuse data that this server can't use."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the data folder and configuration ready for a launch."""

    @abstractmethod
    def program(self) -> Path:
        """What to run; copied first where the account can't reach it. Raises BinaryMissingError."""

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments."""

    @abstractmethod
    def is_answering(self) -> bool:
        """Whether a client is served now. Costs at most about two seconds."""

    def finish(self) -> None:  # noqa: B027 - most servers need nothing more
        """What is left to do once the server answers."""

    def may_retry(self, said: str) -> bool:
        """Whether a launch that ended with these words is worth another try."""
        return False

    def extra_environment(self) -> dict[str, str]:
        """Variables for the server beyond the few that all get."""
        return {}

    def start(self) -> None:
        """Have the server answer, by adoption or launch. Raises a ServiceError."""
        self._make_home()
        self.inspect()
        if not self._adopts():
            self.prepare()
            self._launch()
        self.finish()

    def stop(self) -> None:
        """Stop the server if it is ours. Raises NotAnsweringError when even SIGKILL does not end it."""
        if not self._owner.is_held:
            return
        process = self.running()
        gone = process is None or stop(process, self.stop_steps)
        if self._child is not None and gone:
            self._child.wait()
            self._child = None
        self._owner.release()
        if not gone:
            raise NotAnsweringError(f"The embedded {self.name} (process {process.pid}) does not end, even when killed.")

    def running(self) -> Any:
        """The server's process (a psutil.Process), or None."""
        if self._child is not None and self._child.poll() is None:
            return find(self._child.pid, mark="")
        return find(read_pid(self.data / self.pid_file_name), mark=self.mark)

    def _make_home(self) -> None:
        with explaining(self.home):
            self.home.mkdir(exist_ok=True)
            self.home.chmod(0o755)  # whatever our umask is, the account must get through to its data
        self.account.own_folder(self.data)
        self.log.trim()

    def _adopts(self) -> bool:
        """Take a server that runs already; wait for one that is starting or ending."""
        process = self.running()
        if not wait_until(lambda: self.is_answering() or self.running() is None, timeout_s=READY_LIMIT_S):
            raise NotAnsweringError(
                f"The embedded {self.name} runs (process {process.pid}) and does not answer for {READY_LIMIT_S:.0f} s: "
                f"stop that process and start again. Its log ends:\n{self.log.tail()}"
            )
        adopted = self.is_answering()
        if adopted:
            self._owner.try_take()
        return adopted

    def _launch(self) -> None:
        deadline = time.monotonic() + RETRY_LIMIT_S
        while True:
            offset = self.log.size()
            child = self._child = self._spawn()
            if self._has_come_up(child):
                self._owner.try_take()
                return
            is_hung = child.poll() is None
            if is_hung or time.monotonic() > deadline or not self.may_retry(self.log.since(offset)):
                raise self._explain(offset)
            time.sleep(RETRY_PAUSE_S)

    def _has_come_up(self, child: subprocess.Popen[bytes]) -> bool:
        wait_until(lambda: child.poll() is not None or self.is_answering(), timeout_s=READY_LIMIT_S)
        return child.poll() is None and self.is_answering()

    def _spawn(self) -> subprocess.Popen[bytes]:
        """Launch in a session of its own, so that Ctrl-C in the terminal reaches only whoever supervises."""
        # Few variables: the servers need no secret of ours, and PG* or LC_* ones would change what they do.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        handle = self.log.open()
        try:
            with explaining(self.program()):
                return subprocess.Popen(
                    self.command(),
                    cwd="/",
                    env=environment | self.extra_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=handle,
                    stderr=handle,
                    start_new_session=True,
                    umask=0o077,
                    **identity(self.account),
                )
        finally:
            os.close(handle)

    def _explain(self, offset: int) -> ServerDiedError | NotAnsweringError | DiskFullError | FolderError:
        """The error for a launch that came to nothing."""
        said, tail = self.log.since(offset), self.log.tail(offset)
        child = self._child
        if child is not None and child.poll() is None:
            child.kill()
            child.wait()
            return NotAnsweringError(
                f"The embedded {self.name} did not answer in {READY_LIMIT_S:.0f} s. Its log ends:\n{tail}"
            )
        if FULL_DISK_WORDS in said:
            return DiskFullError(self.data)
        if "Permission denied" in said:
            return FolderError(f"The embedded {self.name} can't use {self.data}. Its log ends:\n{tail}")
        return ServerDiedError(f"The embedded {self.name} ended while it was starting. Its log ends:\n{tail}")


def identity(account: Account) -> dict[str, Any]:
    """The arguments of subprocess that change to the account, where it is another user."""
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account.switches else {}
