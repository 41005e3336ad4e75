"""Writes what an evaluation has changed: each table's rows by one statement, whatever their number.

By hand, since every ten seconds all open alerts and all states are written: Django's bulk_update makes a CASE of each
field and row, which for fifty alerts takes it as long as the rest of the evaluation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from django.db import connection

from monitoring.models import Alert, AlertState

Rows = Sequence[Alert] | Sequence[AlertState]

OF_ALERTS: Final = {
    "id": "uuid",
    **dict.fromkeys(("phase", "severity", "worst", "end_reason"), "text"),
    **dict.fromkeys(("value", "peak", "threshold", "clear"), "float8"),
    **dict.fromkeys(("is_no_data", "is_flapping"), "bool"),
    "resolved_at": "timestamptz",
    "steps": "jsonb",
}
OF_STATES: Final = {
    **dict.fromkeys(("id", "rule_id", "alert_id"), "uuid"),
    **dict.fromkeys(("fingerprint", "phase", "severity", "why"), "text"),
    **dict.fromkeys(("labels", "clocks"), "jsonb"),
    **dict.fromkeys(("since", "easing_since", "tick"), "bigint"),
    "flips": "text",  # an array for each row, which unnest would take apart
    "is_flapping": "bool",
    "missed": "smallint",
    "value": "float8",
}
FIXED: Final = {"id", "rule_id", "fingerprint"}  # of a state that is there
SENT: Final[Mapping[str, Callable[[Any], Any]]] = {"text": str, "jsonb": json.dumps}


def _row(columns: Mapping[str, str]) -> str:
    arrays = ", ".join(f"%({name})s::{kind}[]" for name, kind in columns.items())
    return f"unnest({arrays}) AS new ({', '.join(columns)})"


# The rows are found by their primary key, and have been locked by whoever read them.
ALERTS_SQL: Final = f"""
UPDATE monitoring_alert AS old SET {", ".join(f"{name} = new.{name}" for name in OF_ALERTS if name not in FIXED)}
FROM {_row(OF_ALERTS)} WHERE old.id = new.id
"""
STATES_SQL: Final = f"""
INSERT INTO monitoring_alertstate ({", ".join(OF_STATES)})
SELECT {", ".join("flips::bigint[]" if name == "flips" else name for name in OF_STATES)} FROM {_row(OF_STATES)}
ON CONFLICT (rule_id, fingerprint)
DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in OF_STATES if name not in FIXED)}
"""


def alerts(rows: Iterable[Alert]) -> None:
    """What an evaluation changes of alerts that are there; what people do with them stays as it is."""
    _send(ALERTS_SQL, OF_ALERTS, list(rows))


def states(rows: Iterable[AlertState]) -> None:
    """States of instances, new ones or not."""
    _send(STATES_SQL, OF_STATES, list(rows))


def _send(statement: str, columns: Mapping[str, str], rows: Rows) -> None:
    if not rows:
        return
    given = {name: [_sent(name, kind, getattr(row, name)) for row in rows] for name, kind in columns.items()}
    with connection.cursor() as cursor:
        cursor.execute(statement, given)


def _sent(name: str, kind: str, value: Any) -> Any:
    if name == "flips":
        return f"{{{','.join(map(str, value))}}}"
    return SENT[kind](value) if kind in SENT else value
