"""What was done to a flag, what others did since a version, and what was written around the verb."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from flags.change.asked.values import FIELDS, as_kept
from flags.change.write import outside
from flags.models import Flag, FlagChange

NOTICED: Final = 100  # flags of one look
LIMIT: Final = 500


def history(name: str, limit: int = 50) -> list[FlagChange]:
    """The latest changes of `name`, the latest first; also of a flag that is deleted."""
    return list(FlagChange.objects.filter(name=name).order_by("-at", "-id")[: min(max(limit, 1), LIMIT)])


def since(flag: Flag, version: int) -> tuple[dict[str, tuple[Any, Any]], FlagChange | None]:
    """What differs from the flag as it was at `version`: field → (then, now); and the latest change after it.

    What was written around the verb shows too, as far as history knows how it was before.
    """
    later = list(FlagChange.objects.filter(flag=flag, version__gt=version).order_by("version", "id")[:LIMIT])
    then: dict[str, Any] = {}
    for each in later:
        for field, value in each.before.items():
            then.setdefault(field, value)
    now = as_kept(flag)
    was = outside.known(flag.pk, version) | then
    diff = {field: (was[field], now[field]) for field in FIELDS if field in was and was[field] != now[field]}
    return diff, later[-1] if later else None


def noticed(now: datetime) -> list[FlagChange]:
    """Put into the history what was written around the verbs: flags whose version has no change. At most a hundred."""
    told = FlagChange.objects.filter(flag=OuterRef("pk"), version=OuterRef("version"))
    found = list(Flag.objects.filter(~Exists(told)).order_by("pk").values_list("pk", flat=True)[:NOTICED])
    return [made for pk in found if (made := _noticed(pk, now)) is not None]


def _noticed(flag_id: int, now: datetime) -> FlagChange | None:
    with transaction.atomic():
        flag = Flag.objects.select_for_update().filter(pk=flag_id).first()
        return None if flag is None else outside.notice(flag, now, is_of_new=True)
