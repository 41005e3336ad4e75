"""How figures are written for people: units with a space, thousands with a comma, ages as 22m or 6 d 4 h."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

PERIODS = {
    "15m": "15 minutes",
    "1h": "hour",
    "6h": "6 hours",
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "13mo": "13 months",
}


def period(range_name: str) -> str:
    """How long a range is, in words: 6 hours, 2 days 4 hours. Raises ValueError for what is no range's name."""
    if range_name in PERIODS:
        return PERIODS[range_name]
    start, _, end = range_name.partition("..")
    minutes = int((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()) // 60
    days, minutes = divmod(minutes, 1440)
    hours, minutes = divmod(minutes, 60)
    said = [
        f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in ((days, "day"), (hours, "hour"), (minutes, "minute")) if n
    ]
    return " ".join(said[:2]) or "moment"


def number(value: float) -> str:
    """Three digits that matter: 1,284, 41.2, 0.31, 0."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}".rstrip("0").rstrip(".")


def short(value: float) -> str:
    """A count where there is little room: 940, 1.3k, 18k, 2.1M."""
    for size, letter in ((1_000_000, "M"), (1000, "k")):
        if value >= size:
            return (
                f"{value / size:.1f}".removesuffix(".0") + letter
                if value < 10 * size
                else f"{value // size:.0f}{letter}"
            )
    return f"{value:.0f}"


def size(count: float) -> str:
    """Bytes: 940 B, 1.3 kB, 18 MB."""
    for unit, length in (("GB", 10**9), ("MB", 10**6), ("kB", 1000)):
        if abs(count) >= length:
            value = count / length
            return f"{value:.0f} {unit}" if abs(value) >= 10 else f"{value:.1f} {unit}".replace(".0 ", " ")
    return f"{count:.0f} B"


def duration(seconds: float) -> str:
    """A latency or a wait: 0.4 ms, 86 ms, 1.9 s, 74 s, then as an age."""
    if seconds < 1:
        return f"{number(round(seconds * 1000, 1 if seconds < 0.01 else 0))} ms"
    if seconds < 10:
        return f"{number(round(seconds, 1))} s"
    return f"{seconds:.0f} s" if seconds < 120 else age(seconds)


def age(seconds: float) -> str:
    """How long ago, in at most two units: 47 s, 22m, 3 h 5m, 6 d 4 h."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"{max(seconds, 0):.0f} s"
    if minutes < 60:
        return f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes}m" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def percent(share: float) -> str:
    """A share of 1 as 96.8 %, with a second place where the first would hide it."""
    value = share * 100
    if 0 < abs(value) < 0.095:
        return f"{value:.2f} %"
    return f"{value:.1f}".removesuffix(".0") + " %"


def points(share: float) -> str:
    """A difference of shares."""
    return f"{share * 100:.1f} pt"


def clock(moment: datetime) -> str:
    return at(moment, "%H:%M")


def at(moment: datetime, form: str) -> str:
    """A moment in the zone that is chosen, as strftime writes it."""
    return timezone.localtime(moment).strftime(form)


def zone() -> str:
    """The name of the zone that times are told in: UTC, Europe/Madrid."""
    return timezone.get_current_timezone_name()


def apart(text: str) -> tuple[str, str]:
    """The value and the unit of a formatted figure, which the page sets in two sizes."""
    value, _, unit = text.partition(" ")
    return value, unit
