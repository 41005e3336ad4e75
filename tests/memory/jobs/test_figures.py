from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from memory.jobs import figures
from memory.jobs.working import finish
from memory.models import Job, JobState, Priority
from tests.make import NOW, make_workspace
from tests.memory.jobs.made import LEASE, make_job, make_jobs, taken

pytestmark = pytest.mark.django_db


def test_each_level_has_its_depth_what_runs_of_it_and_the_age_of_its_oldest() -> None:
    workspace = make_workspace()
    make_jobs(workspace, 2, priority=Priority.HIGH)
    make_job(workspace, priority=Priority.BULK, available_at=NOW - timedelta(seconds=20))
    make_job(workspace, priority=Priority.BULK, available_at=NOW + timedelta(hours=1))
    taken(limit=2, only=(workspace.pk, ""))
    levels = {level.name: level for level in figures.levels(NOW)}
    assert list(levels) == ["critical", "high", "normal", "low", "bulk"]
    assert (levels["high"].depth, levels["high"].running, levels["high"].oldest_s) == (2, 2, 0)
    assert (levels["bulk"].depth, levels["bulk"].running, levels["bulk"].oldest_s) == (2, 0, 20)
    assert (levels["normal"].depth, levels["normal"].in_rate, levels["normal"].drain_s) == (0, 0, None)


def test_finished_jobs_are_in_no_figure() -> None:
    make_job()
    found = taken()
    finish.succeed(found.token, {found.jobs[0].id: None}, now=NOW)
    assert [level.depth for level in figures.depths(NOW)] == [0] * 5
    assert figures.open_jobs() == 0


def test_counting_stops_at_the_bound() -> None:
    make_jobs(make_workspace(), 5)
    assert figures.open_jobs(at_most=3) == 3
    assert figures.due(NOW, at_most=3) == {Priority.NORMAL: 3}


def test_the_gauges_tell_levels_and_dead_letters() -> None:
    make_job(priority=Priority.LOW)
    dead = make_job()
    Job.objects.filter(pk=dead.pk).update(state=JobState.DEAD)
    told = figures.gauges()
    assert (told["queue.low"], told["queue.low.running"], told["queue.bulk"]) == (1, 0, 0)
    assert told["queue.low.oldest_s"] == told["queue.oldest_s"]
    age = (datetime.now(UTC) - NOW).total_seconds()
    assert told["queue.oldest_s"] == pytest.approx(max(age, 0), abs=60)
    assert told["queue.dead"] == 1


def test_a_worker_is_seen_by_what_it_holds() -> None:
    workspace = make_workspace()
    for user in ("mara", "mara", "jonas"):
        make_job(workspace, user_id=user)
    found = taken()
    holder = figures.workers()[0]
    assert (holder.claim, holder.jobs, holder.users, list(holder.kinds)) == (found.token, 3, 2, ["test.quiet"])
    assert (holder.since, holder.lease_until) == (NOW, NOW + LEASE)
