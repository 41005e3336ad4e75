"""Asks PostgreSQL's statistics, and remembers the answer for a while: pages and gauges ask for the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from django.db import connection, transaction

KEPT_S: Final = 15.0
PATIENCE: Final = "2s"  # a database that is in trouble is not troubled more

T = TypeVar("T")
_all: list[Kept[Any]] = []


class Kept(Generic[T]):
    """A reader whose answer stays for some seconds; at most one thread of the process asks at a time."""

    def __init__(self, read: Callable[[], T], kept_s: float) -> None:
        self.read = read
        self.kept_s = kept_s
        self.lock = threading.Lock()
        self.answer: tuple[float, T] | None = None
        _all.append(self)

    def __call__(self) -> T:
        with self.lock:
            if self.answer is None or time.monotonic() - self.answer[0] > self.kept_s:
                self.answer = (time.monotonic(), self.read())
            return self.answer[1]


def kept(read: Callable[[], T]) -> Kept[T]:
    return Kept(read, KEPT_S)


def forget() -> None:
    """Ask anew next time."""
    for each in _all:
        each.answer = None


def rows(sql: str, arguments: list[Any] | None = None) -> list[dict[str, Any]]:
    """The rows by their columns' names, or Django's error after two seconds."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [PATIENCE])
        cursor.execute(sql, arguments)
        names = [column.name for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        cursor.execute("SET LOCAL statement_timeout = DEFAULT")
    return found
