"""PostgreSQL with pgvector and two Redis servers, run from the project's own folder when the environment names none."""

from __future__ import annotations

from holdfast.embedded.errors import (
    AccountError,
    BinaryMissingError,
    BusyError,
    DiskFullError,
    FolderError,
    NotAnsweringError,
    ServerDiedError,
    ServiceError,
    VersionError,
)
from holdfast.embedded.folder import Addresses, addresses
from holdfast.embedded.together import Services

__all__ = [
    "AccountError",
    "Addresses",
    "BinaryMissingError",
    "BusyError",
    "DiskFullError",
    "FolderError",
    "NotAnsweringError",
    "ServerDiedError",
    "ServiceError",
    "Services",
    "VersionError",
    "addresses",
]
