from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db import connection, connections, transaction

from holdfast.worker import drop_torn_connections
from monitoring.models import Event

TASK = SimpleNamespace(request=SimpleNamespace(is_eager=False))


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_a_time_limit_left_open_ends_with_its_task() -> None:
    transaction.atomic().__enter__()
    Event.objects.create(kind="start", text="is not kept")
    drop_torn_connections(task=TASK)
    assert not connection.in_atomic_block
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_closed_within_its_transaction_is_opened_anew() -> None:
    transaction.atomic().__enter__()
    Event.objects.count()
    connection.close()  # as Celery does between two tasks
    drop_torn_connections(task=TASK)
    Event.objects.create(kind="start", text="is kept")
    connections["default"].close()
    assert Event.objects.get().text == "is kept"
