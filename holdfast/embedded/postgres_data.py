"""PostgreSQL's data folder: made whole or not at all, and refused when this PostgreSQL can't use it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from holdfast.embedded.account import Account
from holdfast.embedded.binaries import POSTGRES_MAJOR
from holdfast.embedded.errors import (
    FULL_DISK_WORDS,
    DiskFullError,
    FolderError,
    ServerDiedError,
    VersionError,
    explaining,
)
from holdfast.embedded.server import identity

SUPERUSER = "postgres"


def is_made(data: Path) -> bool:
    """Whether the folder holds a cluster."""
    with explaining(data):
        return (data / "PG_VERSION").exists()


def inspect(data: Path, *, password_file: Path) -> None:
    """Refuse data of another version, something else than data, or data without its password."""
    if not is_made(data):
        with explaining(data):
            if any(data.iterdir()):
                raise FolderError(f"{data} holds something, but no PostgreSQL data: move it away and start again.")
        return
    with explaining(data):
        found = (data / "PG_VERSION").read_text().strip()
    if found != str(POSTGRES_MAJOR):
        raise VersionError(
            f"The data in {data} was made by PostgreSQL {found}, and this is PostgreSQL {POSTGRES_MAJOR}: "
            "dump it with the old version and load it here, or move the folder away to start anew."
        )
    if not password_file.exists():
        raise FolderError(
            f"The password of the data in {data} is missing: restore {password_file}, "
            "or move the data folder away to start anew."
        )


def make(data: Path, *, initdb: Path, password_file: Path, account: Account, durable: bool) -> None:
    """Make a cluster beside its place and move it there whole: an interrupted initdb leaves nothing behind."""
    fresh = data.with_name("data.unfinished")
    with explaining(data):
        if fresh.exists():
            shutil.rmtree(fresh)
    _write_password(password_file, account)
    account.own_folder(fresh)
    # The builtin locale needs none of the system's, sorts by code point and knows the letters of all scripts.
    options = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options += ["--auth=scram-sha-256", f"--pwfile={password_file}", f"--username={SUPERUSER}"]
    _run([str(initdb), "-D", str(fresh), *options, *([] if durable else ["--no-sync"])], fresh, account)
    with explaining(data):
        fresh.rename(data)


def _write_password(file: Path, account: Account) -> None:
    with explaining(file):
        file.unlink(missing_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(32))
        account.take(file)


def _run(command: list[str], folder: Path, account: Account) -> None:
    environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
    with explaining(Path(command[0])):
        made = subprocess.run(
            command, cwd="/", env=environment, capture_output=True, text=True, check=False, **identity(account)
        )
    if made.returncode == 0:
        return
    if FULL_DISK_WORDS in made.stderr:
        raise DiskFullError(folder)
    raise ServerDiedError(f"PostgreSQL can't make its data folder {folder}: {made.stderr.strip()}")
