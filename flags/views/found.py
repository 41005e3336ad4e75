"""Flags by a part of their names, for the console's palette."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.utils import timezone

from flags.models import Flag
from flags.views.board import states
from flags.views.board.gather import LATEST, SWITCHED, gather
from flags.views.board.row import address
from monitoring.console.palette import Hit


def find(text: str, user: User, limit: int) -> list[Hit]:
    """Each leads to the rollouts page with it open, which everybody who is signed in may see."""
    if not text:
        return []
    flags = Flag.objects.annotate(latest=LATEST, switched=SWITCHED).filter(name__icontains=text).order_by("name")
    now = timezone.now()
    return [
        Hit(
            each.flag.name,
            address({"open": each.flag.name}),
            "flag",
            states.mark(each, now=now).word.lower(),
        )
        for each in gather(flags[:limit])
    ]
