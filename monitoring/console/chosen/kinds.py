"""Which kinds of events charts are annotated with: all but those that the URL hides, as in ?hide=flag,start."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.http import HttpRequest

NAME: Final = "hide"
KIND: Final = re.compile(r"[a-z0-9_-]{1,32}")
MOST: Final = 20


def hidden(request: HttpRequest) -> frozenset[str]:
    """The kinds that the URL hides."""
    return frozenset(kind for kind in request.GET.get(NAME, "").split(",")[:MOST] if KIND.fullmatch(kind))


def toggled(kinds: Iterable[str], kind: str) -> str:
    """What the URL says once `kind` is shown instead of hidden, or hidden instead of shown."""
    return ",".join(sorted(frozenset(kinds) ^ {kind}))


def shown(spec: Mapping[str, Any], kinds: frozenset[str]) -> dict[str, Any]:
    """A chart's spec without the events of these kinds."""
    events = [event for event in spec.get("events", ()) if event.get("kind") not in kinds]
    return {**spec, "events": events} if "events" in spec else dict(spec)
