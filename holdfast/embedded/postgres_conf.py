"""The embedded PostgreSQL's configuration file, written anew at each start; `ALTER SYSTEM` still has the last word."""

from __future__ import annotations

import shutil
from pathlib import Path

from holdfast.embedded.folder import PORT

SHARED_MEMORY = Path("/dev/shm")
ENOUGH_SHARED_BYTES = 256 * 1024 * 1024

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    # Compiling a plan costs more than any of our queries takes.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    # The application reports its own failed statements. Left out here, no statement and no value of a row (they stand
    # in the text and DETAIL of an error) reaches a log file, and the log stays small.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
}
# For tests: a crash of the machine may lose the data, a crash of the server may not.
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def configuration(sockets: Path, *, cluster: str, durable: bool) -> str:
    """The file's text. `durable=False` gives up safety against a crash of the machine for speed."""
    settings = SETTINGS | ({} if durable else CARELESS)
    settings |= {"unix_socket_directories": _listed(sockets), "cluster_name": cluster}
    if not _has_shared_memory():
        # Docker gives /dev/shm 64 MB, too little for a parallel index build; files in the data folder do as well.
        settings["dynamic_shared_memory_type"] = "mmap"
    lines = [f"{name} = '{_quoted(value)}'" for name, value in settings.items()]
    return "\n".join(["# Written at each start. To change a setting, use ALTER SYSTEM.", *lines, ""])


def _has_shared_memory() -> bool:
    return not SHARED_MEMORY.is_dir() or shutil.disk_usage(SHARED_MEMORY).free >= ENOUGH_SHARED_BYTES


def _listed(folder: Path) -> str:
    """The folder as an item of a list of names, where a comma or a blank would otherwise split it."""
    return '"' + str(folder).replace('"', '""') + '"'


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
