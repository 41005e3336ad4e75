"""What `up` must have for itself before it starts anything: the data folder, and the web server's address."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL, SIGTERM

from holdfast.embedded.errors import explaining
from holdfast.embedded.locks import Lock
from holdfast.embedded.process import find_by_environment, is_alive, stop, wait_until
from holdfast.supervisor.errors import AlreadyRunningError, PortError

MARK = "HOLDFAST_SUPERVISED_FROM"
LEFTOVER_WAIT_S = 3.0
REASONS = {
    errno.EADDRINUSE: "port {port} of {host} is in use: stop what uses it, or choose another with {option}",
    errno.EACCES: "port {port} needs more rights than this user has: choose one above 1023 with {option}",
    errno.EADDRNOTAVAIL: "{host} is not an address of this machine: choose another with --host",
}


@contextmanager
def claimed(folder: Path) -> Iterator[str]:
    """Hold the data folder for one `up`; yields the mark of its children.

    Raises AlreadyRunningError, or FolderError when it can't be written.
    """
    with explaining(folder):
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    lock = Lock(folder / "up.lock")
    if not lock.try_take():
        raise AlreadyRunningError(
            f"Holdfast already runs from {folder} (process {lock.read_note() or 'unknown'}): "
            "stop it with Ctrl-C there, or name another folder in HOLDFAST_DIR."
        )
    try:
        lock.write_note(str(os.getpid()))
        # By inode: a container may have another folder of the same path, and its processes in our sight.
        found = lock.path.stat()
        yield f"{found.st_dev}:{found.st_ino}"
    finally:
        lock.release()


def clear_leftovers(mark: str, *, wait_s: float = LEFTOVER_WAIT_S) -> int:
    """End the children that an `up` of this folder left behind when it was killed; how many there were."""
    found = find_by_environment(MARK, mark)
    for process in found:
        stop(process, [(SIGTERM, 0)])
    wait_until(lambda: not any(is_alive(process) for process in found), timeout_s=wait_s)
    for process in found:
        if is_alive(process):
            stop(process, [(SIGKILL, 1)])
    return len(found)


def require_port(host: str, port: int, *, option: str = "--port") -> None:
    """Raise PortError, naming the `option` that chooses another, unless the address can be bound now."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as problem:
        raise PortError(f"The host {host!r} is not known ({problem.strerror}): choose another with --host.") from None
    except OSError as problem:
        reason = REASONS.get(problem.errno or 0, f"port {{port}} of {{host}} can't be had ({problem.strerror})")
        raise PortError(f"A server can't start: {reason.format(host=host, port=port, option=option)}.") from None
