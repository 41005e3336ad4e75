"""Which memories the page's URL asks for, and the ways to ask for others."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from memory.models import ID_LENGTH, Kind, State

ANY: Final = "any"
STATES: Final[dict[str, str]] = {
    "": "active",
    **{str(state): str(state) for state in State if state != State.ACTIVE},
    ANY: ANY,
}
DUPLICATES: Final = {"merged": "merged into it", "apart": "kept apart"}
LONGEST: Final = 200  # characters that are looked for
ROWS: Final = 30
STEP: Final = 30  # more, each time that older ones are asked for
MOST: Final = 300
NAME: Final = re.compile(r"m-([0-9a-f]{6,32})")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the URL says. `workspace` is a name; `unknown` are values that mean nothing and filter nothing."""

    q: str = ""
    user: str = ""
    workspace: str = ""
    state: str = ""  # empty is active
    kind: str = ""
    duplicates: str = ""
    cursor: uuid.UUID | None = None
    rows: int = ROWS
    unknown: tuple[str, ...] = ()

    @property
    def is_on(self) -> bool:
        return bool(self.given)

    @property
    def id(self) -> uuid.UUID | None:
        """The memory that is looked for by its whole id."""
        return as_uuid(self.q)

    @property
    def tail(self) -> str:
        """The end of the id that is looked for, as the page writes it."""
        found = NAME.fullmatch(self.q.lower())
        return found[1] if found else ""

    @property
    def given(self) -> list[tuple[str, str]]:
        """What the URL says besides where the list begins: name and value, for forms."""
        said = {name: getattr(self, name) for name in ("q", "user", "workspace", "state", "kind", "duplicates")}
        return [(name, value) for name, value in said.items() if value]

    @property
    def words(self) -> str:
        """The filter as a reader says it."""
        said = (
            f"“{self.q}”" if self.q else "",
            f"user {self.user}" if self.user else "",
            f"workspace {self.workspace}" if self.workspace else "",
            f"state {STATES[self.state]}",
            f"kind {self.kind}" if self.kind else "",
            DUPLICATES.get(self.duplicates, ""),
        )
        return ", ".join(word for word in said if word)

    def query(self, **changes: object) -> str:
        """The URL's query with changes; from the first row again, unless the change says where."""
        changed = replace(self, **{"cursor": None, "rows": ROWS} | changes)  # type: ignore[arg-type]
        said = {field.name: getattr(changed, field.name) for field in fields(changed) if field.name != "unknown"}
        if said["rows"] == ROWS:
            said.pop("rows")
        return urlencode({name: str(value) for name, value in said.items() if value})

    def url(self, **changes: object) -> str:
        query = self.query(**changes)
        return reverse("memories") + (f"?{query}" if query else "")

    def opened(self, id: uuid.UUID) -> str:
        """The address of a memory in this list."""
        query = self.query(cursor=self.cursor, rows=self.rows)
        return reverse("memory", args=[id]) + (f"?{query}" if query else "")


def asked(query: Mapping[str, str], workspaces: Sequence[str]) -> Asked:
    """The filter of a URL's query, given the names of the workspaces there are."""
    known = {
        "state": {*STATES, str(State.ACTIVE)},
        "kind": {"", *Kind.values},
        "duplicates": {"", *DUPLICATES},
        "workspace": {"", *workspaces},
    }
    given = {name: query.get(name, "").strip() for name in known}
    unknown = tuple(value[:60] for name, value in given.items() if value not in known[name])
    fitting = {name: value if value in known[name] else "" for name, value in given.items()}
    if fitting["state"] == State.ACTIVE:
        fitting["state"] = ""
    rows = query.get("rows", "")
    return Asked(
        **fitting,
        q=query.get("q", "").replace("\0", "").strip()[:LONGEST],
        user=query.get("user", "").replace("\0", "").strip()[:ID_LENGTH],
        cursor=as_uuid(query.get("cursor", "")),
        rows=min(int(rows), MOST) if rows.isascii() and rows.isdigit() and len(rows) < 5 and int(rows) else ROWS,
        unknown=unknown,
    )


def as_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None
