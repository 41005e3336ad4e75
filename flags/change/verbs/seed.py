"""Makes rows for the flags that the code asks for and that have none, as the catalogue and the environment say."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from flags import catalog
from flags.change.persons import SEED
from flags.change.verbs.edit import created
from flags.change.write.hold import lock_flagset
from flags.models import Flag

REASON: Final = "The catalogue has it, and there was no row of it."


def seed(now: datetime) -> list[str]:
    """The names of what was made; nothing else is changed, so that it can run at each start.

    A row keeps its name as salt, by which the catalogue was evaluated before: who had the flag keeps it. So nothing
    is switched by it, and a freeze doesn't hinder it.
    """
    with transaction.atomic():
        flagset = lock_flagset()
        known = set(Flag.objects.values_list("name", flat=True))
        missing = [catalog.seeded(entry) for entry in catalog.entries() if entry.name not in known]
        for entry in missing:
            fields = {
                "percent": entry.percent,
                "everyone": None if entry.is_enabled else False,
                "unit": entry.unit,
                "salt": entry.name[:64],
                "kind": entry.kind,
                "is_locked": entry.is_locked,
                "owner": entry.owner,
                "note": entry.about,
            }
            created(entry.name, fields=fields, by=SEED, reason=REASON, now=now, flagset=flagset)
    return [entry.name for entry in missing]
