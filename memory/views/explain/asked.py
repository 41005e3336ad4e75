"""What the explain page is asked: its form, with what is wrong with a value beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from memory.errors import InvalidError
from memory.models import ID_LENGTH, Workspace
from memory.search import Filter
from memory.search import filters as language
from monitoring.console.field import Field

LONGEST: Final = 4000  # characters of a question, and of filters
LIMIT: Final = 10
MOST: Final = 50
EXAMPLE: Final = '{"kind": ["place", "work"], "importance": {"gte": 0.5}}'


@dataclass(frozen=True, slots=True)
class Asked:
    """The values as they were given; `problems` are by name, and then nothing is searched for."""

    user: str = ""
    q: str = ""
    filters: str = ""
    limit: str = str(LIMIT)
    workspace: str = ""
    filter: Filter = language.NOTHING
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_on(self) -> bool:
        return bool(self.user) and not self.problems

    @property
    def most(self) -> int:
        return int(self.limit)


def asked(query: Mapping[str, str]) -> Asked:
    """The form of a URL's query."""
    given = {name: query.get(name, "").replace("\0", "").strip() for name in ("user", "q", "filters", "workspace")}
    limit = query.get("limit", "").strip() or str(LIMIT)
    problems: dict[str, str] = {}
    filter = language.NOTHING
    if not given["user"] and (given["q"] or given["filters"]):
        problems["user"] = "Name the user whose memories are searched"
    for name, most in (("user", ID_LENGTH), ("q", LONGEST), ("filters", LONGEST)):
        if len(given[name]) > most:
            problems[name] = f"Has {len(given[name]):,} characters; {most:,} are the most"
            given[name] = given[name][:most]
    if not (limit.isascii() and limit.isdecimal() and len(limit) < 5 and 1 <= int(limit) <= MOST):
        problems["limit"], limit = f"Must be 1 to {MOST}", limit[:10]
    if given["filters"] and "filters" not in problems:
        try:
            filter = language.from_json(given["filters"])
        except InvalidError as error:
            problems["filters"] = "; ".join(_told(path, text) for path, text in error.faults)
    return Asked(**given, limit=limit, filter=filter, problems=problems)


def _told(path: str, text: str) -> str:
    """The place inside the filters, and what is wrong there."""
    place = path.partition(".")[2]
    return f"{place} {text}" if place else f"{text[:1].upper()}{text[1:]}"


def fields(asked: Asked, workspaces: Sequence[Workspace]) -> list[Field]:
    """The form as it is shown again."""
    problem = asked.problems.get
    shown = [
        Field("user", "User", asked.user, hint="Whose memories and messages are searched.", most=ID_LENGTH,
              is_first=not asked.user, problem=problem("user", "")),
        Field("q", "Question", asked.q, hint="Without one, the newest memories serve.", width="four", most=LONGEST,
              example="Where do I work?", problem=problem("q", "")),
        Field("filters", "Filters", asked.filters, "area", "JSON, as POST /api/v1/memories/search takes it.",
              width="four", rows=2, most=LONGEST, example=EXAMPLE, problem=problem("filters", "")),
        Field("limit", "Hits", asked.limit, "number", f"1 to {MOST}.", step="1", problem=problem("limit", "")),
    ]  # fmt: skip
    if len(workspaces) > 1:
        options = (("", "The one that knows most"), *((one.name, one.name) for one in workspaces))
        shown.append(Field("workspace", "Workspace", asked.workspace, "select", options=options))
    return shown
