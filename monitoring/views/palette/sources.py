"""What monitoring itself can find: pages, breakers, alerts and operations."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from monitoring import breakers
from monitoring.console import palette
from monitoring.console.palette import Hit
from monitoring.console.shell import PLACES
from monitoring.models import Alert, Series

PREFIX = "operation."
DOCS = "/api/v1/docs"


def register_all() -> None:
    palette.register("Pages", pages)
    palette.register("Alerts", alerts)
    palette.register("Breakers", dependencies)
    palette.register("Operations", operations)


def pages(text: str, user: User, limit: int) -> list[Hit]:
    """Places by the start of a word of their names; without a text the first of them."""
    found = []
    for section, places in PLACES.items():
        for place in places:
            address = place.address(for_staff=user.is_staff)
            if address and _starts(place.label, text):
                found.append(Hit(place.label, address, place.icon, section))
    return found if not text else found[:limit]


def dependencies(text: str, user: User, limit: int) -> list[Hit]:
    if not text:
        return []
    views = [view for view in breakers.overview(timezone.now()) if _within(text, view.title, view.name)]
    path = reverse("breakers")
    return [
        Hit(view.title, f"{path}?{urlencode({'name': view.name})}", "breaker", view.state.value.replace("_", " "))
        for view in views[:limit]
    ]


def alerts(text: str, user: User, limit: int) -> list[Hit]:
    """Alerts by the words of their titles, the latest first."""
    if len(text) < 2:
        return []
    rows = Alert.objects.filter(Q(title__icontains=text) | Q(rule_name__icontains=text)).order_by("-pk")[:limit]
    return [Hit(row.title, _address("alert", row.pk) or _address("alerts"), "bell", row.rule_name) for row in rows]


def operations(text: str, user: User, limit: int) -> list[Hit]:
    """Operations by a part of their names."""
    if len(text) < 2:
        return []
    rows = Series.objects.filter(name__startswith=PREFIX, name__icontains=text, kind=Series.Kind.LATENCY)
    names = [name.removeprefix(PREFIX) for name in rows.order_by("name").values_list("name", flat=True)[:limit]]
    page = _address("latency")
    return [Hit(name, f"{page}?{urlencode({'operation': name})}" if page else DOCS, "bolt") for name in names]


def _starts(name: str, text: str) -> bool:
    wanted = text.lower()
    return name.lower().startswith(wanted) or any(word.startswith(wanted) for word in name.lower().split())


def _within(text: str, *names: str) -> bool:
    return any(text.lower() in name.lower() for name in names)


def _address(name: str, *of: object) -> str:
    try:
        return reverse(name, args=of)
    except NoReverseMatch:
        return ""
