"""The types of a flag's fields: read from what a door sends, and written as history and exports keep them.

A percentage is kept as text without trailing zeros, a time as ISO 8601 in UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from flags.models import Flag

# what a change may say, and history keeps
FIELDS: Final[tuple[str, ...]] = (
    "percent",
    "everyone",
    "rules",
    "needs",
    "starts_at",
    "ends_at",
    "unit",
    "salt",
    "owner",
    "kind",
    "expires_on",
    "note",
    "is_locked",
)
DECIMALS: Final = 3
LONGEST_NUMBER: Final = 20
YEARS: Final = (2000, 2200)  # beyond, times can't be converted between zones


Day = TypeVar("Day", bound=date)


class Fault(ValueError):  # noqa: N818  # not raised out of this package
    """What is wrong with one value, and what would do."""


def share(value: Any) -> Decimal | None:
    """A percentage of 0 to 100 with at most three decimals; None takes it away."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise Fault(f"must be a number from 0 to 100, got {_shown(value)}")
    written = str(value).strip()
    try:
        number = Decimal(written) if len(written) <= LONGEST_NUMBER else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or not 0 <= number <= 100:
        raise Fault(f"must be a number from 0 to 100, got {_shown(value)}")
    if number != number.quantize(Decimal(1).scaleb(-DECIMALS)):
        raise Fault(f"has at most {DECIMALS} decimals: units are drawn in steps of 0.001 %, got {_shown(value)}")
    return abs(number)  # -0 is 0


def text(value: Any, *, most: int, least: int = 0) -> str:
    """Text that PostgreSQL can keep."""
    if not isinstance(value, str):
        raise Fault(f"must be text, got {_shown(value)}")
    if not least <= len(value) <= most:
        raise Fault(
            f"has {least} to {most} characters, got {len(value)}" if least else f"has at most {most} characters"
        )
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise Fault("has a character that can't be kept: take out NUL and lone surrogates")
    return value


def yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Fault(f"must be true or false, got {_shown(value)}")
    return value


def switch(value: Any) -> bool | None:
    """On or off for everyone; None leaves it to rules and the percentage."""
    return None if value is None else yes_or_no(value)


def day(value: Any) -> date | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise Fault(f"must be a day such as 2027-01-31, got {_shown(value)}") from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Fault(f"must be a day such as 2027-01-31, got {_shown(value)}")
    return _in_range(value)


def moment(value: Any) -> datetime | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Fault(f"must be a time such as 2027-01-31T09:00:00Z, got {_shown(value)}") from None
    if not isinstance(value, datetime):
        raise Fault(f"must be a time such as 2027-01-31T09:00:00Z, got {_shown(value)}")
    if value.tzinfo is None:
        raise Fault(f"needs its time zone, such as {value.isoformat()}Z")
    return _in_range(value).astimezone(UTC)


def as_kept(flag: Flag) -> dict[str, Any]:
    """All FIELDS of `flag`, as history keeps them."""
    return {field: kept(getattr(flag, field)) for field in FIELDS}


def kept(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def unkept(field: str, value: Any) -> Any:
    """The other way: a value of history, as the row has it."""
    read = {"percent": share, "starts_at": moment, "ends_at": moment, "expires_on": day}.get(field)
    return value if read is None else read(value)


def plain(number: Decimal) -> str:
    """Without trailing zeros: 12.500 is 12.5, 100.000 is 100."""
    return f"{number.normalize():f}"


def _in_range(value: Day) -> Day:
    if not YEARS[0] <= value.year < YEARS[1]:
        raise Fault(f"must be between {YEARS[0]} and {YEARS[1]}, got {value.year}")
    return value


def _shown(value: Any) -> str:
    written = repr(value)
    return written if len(written) <= 40 else f"{written[:40]}…"
