"""Readers of environment variables that refuse nonsense at start."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    """The variable's value, or that of the file named by NAME_FILE (for secrets), or the default."""
    file = os.environ.get(f"{name}_FILE")
    if file is None:
        return os.environ.get(name, default)
    try:
        return Path(file).read_text().strip()
    except OSError as problem:
        raise ImproperlyConfigured(f"{name}_FILE names {file!r}, which can't be read: {problem.strerror}") from None


def boolean(name: str, default: bool) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in TRUE | FALSE:
        return value in TRUE
    raise ImproperlyConfigured(f"{name} must be true or false, got {value!r}")


def integer(name: str, default: int, *, least: int = 1) -> int:
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isdecimal() or int(value) < least:
        kind = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise ImproperlyConfigured(f"{name} must be {kind}, got {value!r}")
    return int(value)


def number(name: str, default: float, *, least: float, most: float) -> float:
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        read = float(value)
    except ValueError:
        read = float("nan")
    if not least <= read <= most:
        raise ImproperlyConfigured(f"{name} must be a number from {least} to {most}, got {value!r}")
    return read


def choice(name: str, default: str, options: tuple[str, ...]) -> str:
    value = os.environ.get(name, "").strip().lower() or default
    if value not in options:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(options)}, got {value!r}")
    return value


def listing(name: str, default: str = "") -> list[str]:
    """A comma-separated variable as its non-empty items."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def generated(name: str, file: Path) -> str:
    """A secret from the environment, else one made once and kept in `file` (mode 0600)."""
    if given := text(name):
        return given
    try:
        return _kept(file)
    except OSError as problem:
        raise ImproperlyConfigured(
            f"{name} is not set, and can't be kept in {file} ({problem.strerror}). "
            "Make that folder readable and writable, or name another in HOLDFAST_DIR."
        ) from None


def _kept(file: Path) -> str:
    file.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(handle, "w") as out:
        out.write(secrets.token_urlsafe(48))
    return file.read_text().strip()
