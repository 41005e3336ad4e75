"""Log lines with the ids of request, trace and job, as key=value or as JSON."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from monitoring.tracing import trace

NONE: Final = "-"
TEXT: Final = (
    "time=%(asctime)s level=%(levelname)s logger=%(name)s "
    "request=%(request_id)s trace=%(trace_id)s job=%(job_id)s %(message)s"
)
_PAIRS: Final = re.compile(r"[a-z_]+=\S*(?: [a-z_]+=\S*)*")


class Named(logging.Filter):
    """Gives every log record the ids that it was written under; "-" where there is none."""

    def filter(self, record: logging.LogRecord) -> bool:
        found = trace.current()
        record.request_id = (found.request_id if found else "") or NONE
        record.trace_id = found.trace_id if found else NONE
        record.job_id = (found.job_id if found else "") or NONE
        return True


class JsonLine(logging.Formatter):
    """One JSON object a line. A message that is key=value pairs becomes its fields, any other is `message`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
        }
        for key, name in (("request", "request_id"), ("trace", "trace_id"), ("job", "job_id")):
            if (id := getattr(record, name, NONE)) != NONE:
                line[key] = id
        line = _fields(record.getMessage()) | line
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def _fields(message: str) -> dict[str, Any]:
    if not _PAIRS.fullmatch(message):
        return {"message": message}
    return dict(pair.split("=", 1) for pair in message.split())
