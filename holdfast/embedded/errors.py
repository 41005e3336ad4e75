"""What can go wrong with the embedded services, each with one sentence for the person at the keyboard.

ServiceError
├── AccountError        root may not run PostgreSQL, and the system user for it cannot be had
├── BinaryMissingError  no PostgreSQL or Redis program to run
├── BusyError           another process is starting or stopping the services in this folder
├── DiskFullError       no space left where the data lives
├── FolderError         a folder cannot be read or written, or belongs to somebody else
├── NotAnsweringError   a server runs and does not answer in time
├── ServerDiedError     a server ended while it was starting
└── VersionError        the data was made by another major version of PostgreSQL
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL_DISK_WORDS = "No space left on device"


class ServiceError(Exception):
    """The embedded services cannot do what was asked; the text says what is wrong and what to do."""


class AccountError(ServiceError):
    """The system user that the servers run as is missing and cannot be made."""


class BinaryMissingError(ServiceError):
    """A program is neither in its wheel nor on PATH."""


class BusyError(ServiceError):
    """Somebody else holds the lock on this folder."""


class DiskFullError(ServiceError):
    """The file system of the data folder is full."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"No space is left on the disk that holds {folder}: free some and start again.")


class FolderError(ServiceError):
    """A folder cannot be used as it is."""


class NotAnsweringError(ServiceError):
    """A server did not answer in its time; the text ends with the last lines of its log."""


class ServerDiedError(ServiceError):
    """A server ended while it was starting; the text ends with the last lines of its log."""


class VersionError(ServiceError):
    """The data folder's PG_VERSION is not that of the program."""


@contextmanager
def explaining(folder: Path) -> Iterator[None]:
    """Turn what the operating system says about `folder` into DiskFullError or FolderError."""
    try:
        yield
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(folder) from problem
        place = problem.filename or folder
        raise FolderError(
            f"{place} cannot be used ({problem.strerror}): "
            "mend its owner or mode, or name another folder in HOLDFAST_DIR."
        ) from problem
