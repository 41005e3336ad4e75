"""Looks for what was erased, place by place among the user's rows; what it finds is named by id, never quoted."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from memory.jobs import output
from memory.models import (
    Conversation,
    Decision,
    IndexedMessage,
    Job,
    JobOutput,
    Memory,
    Message,
    Revision,
    Tally,
)
from memory.remember.erasure import jobs
from memory.remember.erasure.sought import Sought, holds, holds_json

NAMED: Final = 20  # ids of what is left in one place
MESSAGES: Final = 20_000  # of a user, the newest, that are read
PIECES: Final = 200  # of exports that are unpacked
TOLD: Final = 10_000  # rows of the installation's own tables, the newest
LOGS, LOG_BYTES = 50, 4 * 1024 * 1024  # files, and of each the end

MINE: Final = "workspace_id = %(workspace)s AND user_id = %(user)s"
# One read of the user's rows each (btree memory_by_user, decision_by_user, conversation_by_user); a user has few.
MEMORIES_SQL = f"""
SELECT id FROM memory_memory WHERE {MINE} AND ({holds("text")} OR {holds_json("metadata")}) ORDER BY id
"""
REVISIONS_SQL = f"""
SELECT DISTINCT of.id FROM memory_memory AS of JOIN memory_revision AS revision ON revision.memory_id = of.id
WHERE of.workspace_id = %(workspace)s AND of.user_id = %(user)s
  AND ({holds("revision.text")} OR {holds("revision.reason")})
ORDER BY of.id
"""
DECISIONS_SQL = f"""
SELECT id FROM memory_decision WHERE {MINE} AND ({holds("text")} OR {holds("reason")}
  OR ({holds("trace::text")} AND EXISTS (
    SELECT FROM jsonb_array_elements(trace) AS line WHERE {holds("line::text")})))
ORDER BY id
"""
MESSAGES_SQL = f"""
SELECT id FROM (
  SELECT said.id, said.content FROM memory_conversation AS of
  JOIN memory_message AS said ON said.conversation_id = of.id
  WHERE of.workspace_id = %(workspace)s AND of.user_id = %(user)s ORDER BY said.id DESC LIMIT {MESSAGES}
) AS newest WHERE {holds("content")} ORDER BY id
"""
INDEXED_SQL = f"SELECT message_id FROM memory_indexedmessage WHERE {MINE} AND words @@ %(query)s::tsquery"
SUMMARIES_SQL = f"""
SELECT id FROM memory_conversation WHERE {MINE} AND ({holds("summary")} OR {holds_json("metadata")}) ORDER BY id
"""
AUDIT_SQL = f"""
SELECT id FROM monitoring_auditentry WHERE subject = ANY (%(subjects)s)
  AND ({holds("reason")} OR {holds_json("coalesce(before, 'null')")} OR {holds_json("coalesce(after, 'null')")})
"""
# What operators read; by its wording only, since its words are everybody's.
TOLD_SQL = f"""
SELECT count(*) FROM (
  (SELECT text FROM monitoring_event ORDER BY at DESC LIMIT {TOLD})
  UNION ALL (SELECT concat(title, note, steps) FROM monitoring_alert ORDER BY id DESC LIMIT {TOLD})
  UNION ALL (SELECT message::text FROM monitoring_notification ORDER BY id DESC LIMIT {TOLD})
  UNION ALL (SELECT concat(template, plan, proof) FROM monitoring_slowquery ORDER BY last_seen DESC LIMIT {TOLD})
) AS told WHERE text ILIKE ANY (%(patterns)s::text[])
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it was looked for: how many rows still have it, the first of them, and why."""

    place: str
    left: int
    why: str = ""
    ids: list[str] = field(default_factory=list)


def places(workspace_id: uuid.UUID, user_id: str, ids: Sequence[uuid.UUID], what: Sought) -> list[Place]:
    """Every place in which a memory's text may be, with what is left in it."""
    asked = {"workspace": workspace_id, "user": user_id, "subjects": [str(id) for id in ids]} | what.arguments
    return [
        _rows("memories", MEMORIES_SQL, asked, "Other memories say it, too: forget them as well, if they should go."),
        _rows("revisions", REVISIONS_SQL, asked, "Texts of those other memories, which are named."),
        _rows("decisions", DECISIONS_SQL, asked, "Decisions about those other memories."),
        _rows("messages", MESSAGES_SQL, asked, "What was said stays, unless it is erased, too (messages=true)."),
        _rows("search index", INDEXED_SQL, asked, "Finds the messages that stay."),
        _rows("summaries", SUMMARIES_SQL, asked, "Sums up messages that stay."),
        _jobs(workspace_id, user_id, what),
        _exports(workspace_id, user_id, what),
        _rows("audit log", AUDIT_SQL, asked, "Somebody has written it as a reason; entries are never changed."),
        _told(asked),
        _logs(what),
    ]


def rows_of(workspace_id: uuid.UUID, user_id: str) -> list[Place]:
    """How many rows a user has in each table."""
    of: dict[str, Any] = {"workspace_id": workspace_id, "user_id": user_id}
    holding = Job.objects.filter(**of).exclude(kind=jobs.ERASE_USER).exclude(payload={}, result=None, error="")
    tables: list[tuple[str, QuerySet[Any]]] = [
        ("decisions", Decision.objects.filter(**of)),
        ("memories", Memory.objects.filter(**of)),
        ("revisions", Revision.objects.filter(memory__workspace_id=workspace_id, memory__user_id=user_id)),
        ("messages", Message.objects.filter(workspace_id=workspace_id, conversation__user_id=user_id)),
        ("search index", IndexedMessage.objects.filter(**of)),
        ("conversations", Conversation.objects.filter(**of)),
        ("tallies", Tally.objects.filter(**of)),
        ("jobs", holding),
        ("exports", JobOutput.objects.filter(job_id__in=jobs.exports(workspace_id, user_id).values("pk"))),
    ]
    running = "They run now: erase the user again when they are done."
    return [
        Place(name, left, running if left and name == "jobs" else "")
        for name, rows in tables
        for left in (rows.count(),)
    ]


def _rows(name: str, sql: str, asked: dict[str, Any], why: str) -> Place:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        found = [str(id) for (id,) in cursor.fetchall()]
    return Place(name, len(found), why if found else "", found[:NAMED])


def _jobs(workspace_id: uuid.UUID, user_id: str, what: Sought) -> Place:
    found = [str(id) for id in jobs.holding(workspace_id, user_id, what)]
    why = "They wait with something that was said or asked, and need it." if found else ""
    return Place("jobs", len(found), why, found[:NAMED])


def _exports(workspace_id: uuid.UUID, user_id: str, what: Sought) -> Place:
    """The newest pieces, unpacked one by one."""
    mine = jobs.exports(workspace_id, user_id).values("pk")
    pieces = JobOutput.objects.filter(job_id__in=mine).order_by("-pk").values_list("job_id", "body")[:PIECES]
    found = {str(id) for id, body in pieces.iterator(chunk_size=1) if what.is_in(_plain(bytes(body)))}
    why = "Made again since, of what is left: messages and other memories." if found else ""
    return Place("exports", len(found), why, sorted(found)[:NAMED])


def _plain(body: bytes) -> str:
    return output.unpacked(body).decode(errors="replace")


def _told(asked: dict[str, Any]) -> Place:
    with connection.cursor() as cursor:
        cursor.execute(TOLD_SQL, asked)
        found = int(cursor.fetchone()[0])
    why = "An event, alert, notification or slow statement has the same words." if found else ""
    return Place("events and alerts", found, why)


def _logs(what: Sought) -> Place:
    """The ends of log files under HOLDFAST_DIR: they hold no texts by rule, and are read all the same."""
    found = [file for file in _log_files() if what.is_in(_end_of(file))]
    folder = Path(settings.HOLDFAST_DIR)
    why = "A line has the same words; logs are kept outside of Holdfast's reach: remove it there." if found else ""
    return Place("log files", len(found), why, [str(file.relative_to(folder)) for file in found])


def _log_files() -> Iterator[Path]:
    folder, count = Path(settings.HOLDFAST_DIR), 0
    for pattern in ("*.log", "*/*.log", "*/log", "*/log/*"):
        for file in sorted(folder.glob(pattern)):
            if file.is_file() and count < LOGS:
                count += 1
                yield file


def _end_of(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - LOG_BYTES))
            return opened.read(LOG_BYTES).decode(errors="replace")
    except OSError:
        return ""  # it was rotated away in this moment
