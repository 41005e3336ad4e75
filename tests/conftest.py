"""What every test stands on: no network but this machine's, and caches that are empty at the start."""

from __future__ import annotations

import functools
import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
import pytest_django
import redis
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase, override_settings

from flags import catalog, cohorts, snapshot
from flags.cohorts.courier import Courier
from flags.snapshot.keeper import Keeper
from memory import access, caching
from memory.providers.guard import forget_guards
from monitoring.breakers.registry import the_registry
from monitoring.metrics import record
from monitoring.metrics.flush import Flusher
from tests.emptying import empty_tables

# how long an example takes says more of the machine than of the code
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that none is alone at the end; then pages, so that mostly one process has a browser.

    It comes after the shuffle, and is the same in all processes.
    """
    items.sort(key=lambda item: (item.get_closest_marker("chaos") is None, item.get_closest_marker("browser") is None))


@pytest.fixture(autouse=True, scope="session")
def only_loopback() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            raise PermissionError(f"A test tried to reach {address!r}: only this machine may be reached.")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(autouse=True, scope="session")
def static_files_as_they_are() -> Iterator[None]:
    """Serve static files from where they lie: nothing is collected for a test run."""
    plain = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    with override_settings(STORAGES=settings.STORAGES | plain):
        yield


@pytest.fixture(autouse=True, scope="session")
def passwords_are_hashed_fast() -> Iterator[None]:
    """A hash that is worth something takes a fifth of a second, for each user and each sign-in."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(autouse=True, scope="session")
def figures_wait_for_the_test() -> Iterator[None]:
    """What a test records is there when it asks: this process's own threads would send it away each second.

    So is what it knows of flags: their keeper sees nothing of a test's transaction. Children that a test forks have
    theirs as ever.
    """
    ours = os.getpid()

    def in_children(run: Callable[[Any], None]) -> Callable[[Any], None]:
        def run_in_children(self: Any) -> None:
            if os.getpid() != ours:
                run(self)

        return run_in_children

    with pytest.MonkeyPatch.context() as patch:
        for kind in (Flusher, Courier, Keeper):
            patch.setattr(kind, "run", in_children(kind.run))
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[None]:
    """Drop waffle's own flag tables, which its migrations make although ours is swapped in.

    Django doesn't know them, and so can't empty the users that they refer to between two tests. At the end threads that
    read gauges and check health may still connect, and the database could not be dropped.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS waffle_flag_users, waffle_flag_groups, waffle_flag")
    yield
    name = connection.settings_dict["NAME"]
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        cursor.execute("SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = %s", [name])


@pytest.fixture(autouse=True, scope="session")
def tables_are_emptied_by_row() -> Iterator[None]:
    """After the tests that commit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


@pytest.fixture(autouse=True)
def empty_caches() -> None:
    access.forget_callers()
    for cache in caching.CACHES.values():
        cache.forget_local()
        cache.link.reset()  # a Redis that one test took away is there for the next
    forget_guards()
    the_registry().breakers.clear()  # what is registered would be told to Redis again
    for family in the_registry().families.values():
        family.forget()
    cohorts.flush()  # what an earlier test noted is not this one's
    record.forget_names()  # a process has a thousand, and tests make more
    catalog.reread()
    snapshot.forget()
    emptied().flushall()


@functools.cache
def emptied() -> redis.Redis:
    """The Redis of the tests, over one connection: opening it takes thirty times as long as emptying it."""
    return redis.Redis.from_url(settings.REDIS_URL)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
