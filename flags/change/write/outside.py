"""Puts into the history what was written around the verbs: by SQL, the shell, or one of waffle's commands."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Max

from flags.change.asked.values import FIELDS, as_kept
from flags.change.persons import Person
from flags.change.write import record
from flags.models import Flag, FlagChange

# by the index on (flag, -at); a flag has some hundred changes in its life
KNOWN_SQL: Final = """
SELECT DISTINCT ON (field) field, value::text
FROM flags_flagchange, jsonb_each(after) AS each(field, value)
WHERE flag_id = %s AND version <= %s AND field = ANY(%s)
ORDER BY field, version DESC, id DESC
"""
OUTSIDE: Final = Person("outside", may_change=True, may_approve=True, is_system=True)
REASON: Final = "Written around the rules: by SQL, the shell, or one of waffle's commands."


def known(flag_id: int, version: int) -> dict[str, Any]:
    """Each field as history had it at `version`; without those that it never heard of."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN_SQL, [flag_id, version, list(FIELDS)])
        return {field: json.loads(value) for field, value in cursor.fetchall()}


def notice(flag: Flag, now: datetime, *, is_of_new: bool = False) -> FlagChange | None:
    """Record what differs from the history, with the flag's row locked; None where it knows the flag's version.

    Of a flag that has no history nothing is recorded unless `is_of_new`.
    """
    told = FlagChange.objects.filter(flag=flag).aggregate(version=Max("version"))["version"]
    if (told is None and not is_of_new) or (told is not None and told >= flag.version):
        return None
    was, became = known(flag.pk, flag.version), as_kept(flag)
    differing = [field for field in FIELDS if field not in was or was[field] != became[field]]
    return record.note(
        flag,
        action=FlagChange.Action.OUTSIDE,
        before={field: was[field] for field in differing if field in was},
        after={field: became[field] for field in differing},
        by=OUTSIDE,
        reason=REASON,
        now=now,
    )
