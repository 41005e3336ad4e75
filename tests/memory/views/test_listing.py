from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from memory.models import Job, JobState, Priority
from memory.views.queues import listing
from memory.views.queues.listing import ROWS, Filter, find, parse, row
from tests.make import make_workspace
from tests.memory.views.made import make_dead, make_done, make_job, make_running

HOUR = timedelta(hours=1)


def test_the_url_is_the_filter_and_the_filter_is_the_url() -> None:
    wanted = parse({"state": "dead", "kind": "process_messages", "priority": "high", "user": " mara ", "range": "6h"})
    assert wanted == Filter("dead", "process_messages", "high", "mara")
    assert wanted.url("6h") == "range=6h&state=dead&kind=process_messages&priority=high&user=mara"
    assert wanted.words == "dead, process_messages, high, user mara"


def test_values_that_mean_nothing_filter_nothing_and_are_named() -> None:
    wanted = parse({"state": "lost", "kind": "knitting", "priority": "urgent", "before": "x"})
    assert wanted == Filter(unknown=("lost", "knitting", "urgent"))


def test_another_state_starts_again_at_the_first_row() -> None:
    wanted = Filter(user="mara", before=uuid.uuid4())
    assert wanted.url("1h", state="dead") == "range=1h&state=dead&user=mara"


@pytest.mark.django_db
def test_jobs_are_found_by_state_kind_priority_and_user() -> None:
    now = timezone.now()
    home = make_workspace()
    dead = make_dead(home, now=now, user_id="u-1")
    bulk = make_job(home, now=now, user_id="u-2", priority=Priority.BULK, kind="process_text")
    since = now - HOUR
    assert find(Filter(), since=since) == [bulk, dead]
    assert find(Filter(state="dead"), since=since) == [dead]
    assert find(Filter(kind="process_text"), since=since) == [bulk]
    assert find(Filter(priority="bulk"), since=since) == [bulk]
    assert find(Filter(user="u-1"), since=since) == [dead]
    assert find(Filter(user="u-1", state="pending"), since=since) == []


@pytest.mark.django_db
def test_the_range_bounds_what_ended_but_not_what_is_open_or_dead() -> None:
    now = timezone.now()
    home = make_workspace()
    make_done(home, now=now)
    waiting, dead = make_job(home, now=now), make_dead(home, now=now)
    later = now + timedelta(minutes=1)
    assert find(Filter(), since=later) == []
    assert find(Filter(state="succeeded"), since=later) == []
    assert find(Filter(state="pending"), since=later) == [waiting]
    assert find(Filter(state="dead"), since=later) == [dead]


@pytest.mark.django_db
def test_a_page_ends_with_a_row_that_tells_of_the_next() -> None:
    now = timezone.now()
    home = make_workspace()
    jobs = [make_job(home, now=now) for _ in range(ROWS + 3)][::-1]
    first = find(Filter(), since=now - HOUR)
    assert first == jobs[: ROWS + 1]
    assert find(Filter(before=jobs[ROWS - 1].pk), since=now - HOUR) == jobs[ROWS:]


@pytest.mark.django_db(transaction=True)
def test_a_list_that_takes_too_long_is_given_up() -> None:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE memory_job IN ACCESS EXCLUSIVE MODE")
            held.set()
            release.wait(timeout=30)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(timeout=30)
    try:
        assert find(Filter(), since=timezone.now() - HOUR, patience_ms=50) is None
    finally:
        release.set()
        holder.join()
    assert find(Filter(), since=timezone.now() - HOUR) == []
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone()[0] == "0", "the bound is the list's alone"


@pytest.mark.django_db
def test_a_row_says_how_long_the_job_waited_and_took() -> None:
    now = timezone.now()
    home = make_workspace()
    done = row(make_done(home, now=now), now=now)
    assert (done.word, round(done.waited_s or 0, 2), round(done.took_s or 0, 2)) == ("Succeeded", 0.03, 0.17)
    running = row(make_running(home, now=now), now=now)
    assert (running.word, running.waited_s, running.took_s) == ("Running", 1.0, 2.0)
    due = row(make_job(home, now=now, available_at=now + timedelta(seconds=6), state=JobState.FAILED), now=now)
    assert (due.word, due.due_s, due.took_s) == ("Retrying", 6.0, None)


@pytest.mark.django_db
def test_what_was_given_up_is_discarded_and_what_was_stopped_is_cancelled() -> None:
    now = timezone.now()
    for event, word in (("discarded", "Discarded"), ("cancelled", "Cancelled")):
        history = [{"at": now.isoformat(), "event": event, "why": "not needed"}]
        assert listing.word(Job(state=JobState.CANCELLED, history=history)) == word


def test_a_kind_of_another_version_is_called_by_its_name() -> None:
    assert listing.title("process_messages") != "process_messages"
    assert listing.title("knitting") == "knitting"
