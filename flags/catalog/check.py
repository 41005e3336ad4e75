"""The system check: what the environment says of flags must be something that can be meant."""

from __future__ import annotations

from typing import Any

from django.core import checks

from flags.catalog import entry, environment


def check(app_configs: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """An error for each value that can't be read, and a warning for each pin that may be misspelt."""
    known = entry.entries()
    found: list[checks.CheckMessage] = [
        checks.Error(message, hint, id="holdfast.E041") for message, hint in environment.faults(known)
    ]
    for name in environment.strangers(known):
        hint = "See how it is spelt. For a flag that was made in the console all is well."
        found.append(checks.Warning(f"{name} pins a flag that no code asks for.", hint, id="holdfast.W041"))
    return found
