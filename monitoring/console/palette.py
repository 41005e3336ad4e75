"""Finds things for the console's palette: each app registers where its own are looked for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from django.contrib.auth.models import AnonymousUser, User
from django.db import DatabaseError, connection, transaction

from monitoring import metrics

MOST: Final = 5  # of a kind
LONGEST: Final = 80  # characters that are looked for
SLOW_S: Final = 0.05
BOUND_SQL: Final = "SET LOCAL statement_timeout = 250"  # ms; whoever types goes on typing

Person = User | AnonymousUser
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found: what it is called, where it is, and a word about it."""

    title: str
    href: str
    icon: str = "right"
    about: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    kind: str
    hits: list[Hit]


Search = Callable[[str, User, int], list[Hit]]
_searches: dict[str, Search] = {}


def register(kind: str, search: Search) -> None:
    """Look for things of a kind with `search(text, user, limit)`, which asks what the user may see and is quick.

    The text is trimmed and at most 80 characters; empty, it asks for what to offer first. Registering a kind again
    replaces its search.
    """
    _searches[kind] = search


def find(text: str, user: User) -> list[Group]:
    """What is called so, up to five of each kind, in the order in which kinds were registered."""
    text = " ".join(text.split())[:LONGEST]
    began = perf_counter()
    groups = [Group(kind, hits) for kind, search in _searches.items() if (hits := _found(kind, search, text, user))]
    took_s = perf_counter() - began
    metrics.observe("console.find", took_s)
    if took_s > SLOW_S:
        logger.info("event=find_slow took_ms=%d length=%d", took_s * 1000, len(text))
    return groups


def _found(kind: str, search: Search, text: str, user: User) -> list[Hit]:
    """One kind that can't be looked for takes nothing from the others."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(BOUND_SQL)
            return search(text, user, MOST)
    except DatabaseError as problem:
        logger.warning("event=find_failed kind=%s error=%s", kind, type(problem).__name__)
        return []
