from __future__ import annotations

import os
import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from flags import catalog, rollout, snapshot
from flags.models import Flag, Flagset, Override, RolloutPlan
from flags.snapshot import keep, load, mine
from flags.snapshot.keep import Kept
from flags.snapshot.keeper import TRIES, Keeper, kind_of
from flags.snapshot.post import KEY, Post
from tests.flags.make import make_flag

NOBODY_THERE = "unix:///nowhere/redis.sock"


@pytest.fixture
def keeper(transactional_db: None) -> Keeper:
    """Of a process that knows what holds now."""
    kept = Kept()
    kept.first()
    made = Keeper(kept, settings.REDIS_URL)
    made.round(0)
    return made


def known(keeper: Keeper) -> dict[str, Decimal]:
    found = keeper._kept.snapshot
    assert found is not None
    return {name: flag.percent for name, flag in found.flags.items() if flag.id}


def set_percent(percent: int) -> None:
    Flag.objects.filter(name="enhanced").update(percent=percent)


def version() -> int:
    row = Flagset.objects.filter(pk=Flagset.ONLY).first()
    return row.version if row else 0


# --- what a process knows


@pytest.mark.django_db
def test_a_question_reads_nothing_but_the_first(django_assert_num_queries: Any) -> None:
    make_flag(percent=100)
    rollout.is_on("enhanced", "mara")
    with django_assert_num_queries(0):
        for _ in range(100):
            assert rollout.is_on("enhanced", "mara")


@pytest.mark.django_db
def test_a_snapshot_of_any_number_of_flags_is_read_by_few_statements(django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        flag = make_flag(f"flag-{number}", 1)
        flag.overrides.create(unit="mara", is_on=True, actor="ops", reason="wanted", at=timezone.now())
    snapshot.forget()
    with django_assert_max_num_queries(10):
        assert all(snapshot.current().flags[f"flag-{number}"].always == {"mara": True} for number in range(20))


@pytest.mark.django_db
def test_every_write_by_whomever_raises_the_version() -> None:
    flag = make_flag()
    ana, group = User.objects.create_user("ana"), Group.objects.create(name="testers")
    writes = (
        lambda: Flag.objects.filter(pk=flag.pk).update(percent=20),
        lambda: flag.users.add(ana),
        lambda: flag.users.clear(),
        lambda: flag.groups.add(group),
        lambda: Override.objects.create(flag=flag, unit="u", is_on=True, actor="a", reason="r", at=timezone.now()),
        lambda: RolloutPlan.objects.create(
            flag=flag, starts_at=timezone.now(), created_at=timezone.now(), actor="a", reason="r", slow_ms=250
        ),
        lambda: Flag.objects.filter(pk=flag.pk).delete(),
    )
    for write in writes:
        before = version()
        write()
        assert version() > before


@pytest.mark.django_db
def test_what_is_slow_for_a_flag_is_what_its_plan_says() -> None:
    flag = make_flag()
    now = timezone.now()
    RolloutPlan.objects.create(flag=flag, starts_at=now, created_at=now, actor="a", reason="r", slow_ms=250)
    snapshot.forget()
    assert snapshot.current().flags["enhanced"].slow_ms == 250
    RolloutPlan.objects.update(state=RolloutPlan.State.DONE)
    snapshot.forget()
    assert snapshot.current().flags["enhanced"].slow_ms == 1000


@pytest.mark.django_db
@pytest.mark.parametrize(
    "rules", [[{"if": [{}]}], [{"if": [{"attribute": "a", "operator": "like", "values": [1]}]}], [7]]
)
def test_a_flag_with_rules_that_nobody_can_read_is_off_and_takes_no_other_along(rules: Any) -> None:
    make_flag("other", percent=100)
    make_flag(percent=100, rules=rules)
    assert not rollout.is_on("enhanced", "mara")
    assert rollout.is_on("other", "mara")


@pytest.mark.django_db
def test_a_stale_read_never_replaces_what_is_newer_but_after_forget(monkeypatch: pytest.MonkeyPatch) -> None:
    make_flag(percent=10)
    kept = Kept()
    old = kept.first()
    kept.is_provisional = False  # as if this test's transaction were committed
    Flag.objects.update(percent=20)
    kept.refresh()
    kept.is_provisional = False
    monkeypatch.setattr(keep, "load", lambda: old)
    kept.refresh()
    assert kept.first().flags["enhanced"].percent == 20
    kept.forget()
    assert kept.first() is old


@pytest.mark.django_db
def test_what_was_being_read_when_the_process_was_told_to_forget_comes_too_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = Kept()

    def slow() -> snapshot.Snapshot:
        read = load.load()
        kept.forget()
        return read

    monkeypatch.setattr(keep, "load", slow)
    kept.refresh()
    assert kept.snapshot is None


@pytest.mark.django_db
def test_without_postgresql_the_last_known_holds_and_before_that_what_the_catalogue_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flags.catalog.entry._entries", {"asked": catalog.Entry("asked", "About", is_enabled=True)})
    kept = Kept()

    def away() -> snapshot.Snapshot:
        raise DatabaseError("away")

    monkeypatch.setattr(keep, "load", away)
    assert list(kept.first().flags) == ["asked"]
    assert kept.is_provisional, "so that the keeper tries again"
    monkeypatch.setattr(keep, "load", load.load)
    make_flag()
    kept.refresh()
    monkeypatch.setattr(keep, "load", away)
    kept.refresh()
    assert set(kept.first().flags) == {"asked", "enhanced"}
    assert set(kept.fork().first().flags) == {"asked", "enhanced"}


@pytest.mark.django_db
def test_a_question_in_a_broken_transaction_is_answered() -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        assert not rollout.is_on("made-by-nobody", "mara")  # what was known last stands in


# --- how it hears of changes


def test_a_push_is_read_and_told(keeper: Keeper) -> None:
    make_flag(percent=10)
    snapshot.announce()
    keeper.round(1)
    assert known(keeper) == {"enhanced": 10}
    (receipt,) = snapshot.receipts(timezone.now())
    assert (receipt.process, receipt.kind, receipt.version) == (keeper.process, keeper.kind, version())
    assert receipt.took_ms is not None
    assert 0 <= receipt.took_ms < 60_000


def test_a_push_that_was_lost_is_found_by_asking_redis(keeper: Keeper) -> None:
    make_flag(percent=10)
    snapshot.announce()
    keeper._post._listening.reset()  # type: ignore[union-attr]
    keeper._post._listening = None
    keeper.round(0)
    assert known(keeper) == {"enhanced": 10}


def test_without_redis_postgresql_is_asked_each_two_seconds(transactional_db: None) -> None:
    seconds = [1000.0]
    kept = Kept()
    kept.first()
    keeper = Keeper(kept, NOBODY_THERE, clock=lambda: seconds[0])
    keeper.round(0)
    make_flag(percent=10)
    seconds[0] += 1.5
    keeper.round(0)
    assert known(keeper) == {}
    seconds[0] += 0.5
    keeper.round(0)
    assert known(keeper) == {"enhanced": 10}
    assert keeper.is_away


def test_redis_that_comes_back_is_used_again_at_once(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise redis.ConnectionError("away")

    with monkeypatch.context() as patch:
        patch.setattr(keeper._post, "latest", away)
        keeper.round(0)
    was_away = keeper.is_away
    make_flag(percent=10)
    keeper.round(0)
    assert was_away
    assert not keeper.is_away
    assert known(keeper) == {"enhanced": 10}, "what was announced meanwhile may be lost, so PostgreSQL was asked"


def test_what_was_announced_and_undone_is_looked_for_a_few_times(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    Post(settings.REDIS_URL).announce(version() + 7)
    reads = []
    monkeypatch.setattr(keeper, "_read", lambda took_ms: reads.append(took_ms))
    for _ in range(TRIES + 3):
        keeper.round(0)
    assert len(reads) == TRIES


def test_nonsense_in_redis_is_no_news(keeper: Keeper) -> None:
    redis.Redis.from_url(settings.REDIS_URL).set(KEY, "garbage \xff")
    keeper.round(0)
    assert not keeper.is_away


def test_a_database_that_was_restored_counts_although_its_version_is_lower(keeper: Keeper) -> None:
    make_flag(percent=10)
    snapshot.announce()
    keeper.round(1)
    Flag.objects.all().delete()
    Flagset.objects.update(version=0)
    keeper._ask_at = 0.0
    keeper.round(0)
    assert known(keeper) == {}


def test_a_write_is_told_once_it_is_committed_and_once_only(keeper: Keeper) -> None:
    post = Post(settings.REDIS_URL)
    with transaction.atomic():
        make_flag(percent=10)
        snapshot.announce()
        assert post.latest() is None
    told = post.latest()
    assert told is not None
    assert told.version == version()
    snapshot.announce()
    assert post.latest() == told


def test_without_redis_a_write_is_no_error_and_this_process_has_it(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    rollout.is_on("enhanced", "mara")
    settings.REDIS_URL = NOBODY_THERE
    settings.CACHES = settings.CACHES | {"default": settings.CACHES["default"] | {"LOCATION": NOBODY_THERE}}
    Flag.objects.create(name="enhanced", percent=Decimal(100))
    assert rollout.is_on("enhanced", "mara")
    assert snapshot.receipts(timezone.now()) == []


# --- receipts and health


def test_receipts_name_who_lives_and_those_behind_first(transactional_db: None) -> None:
    now, post = timezone.now(), Post(settings.REDIS_URL)
    for process, number, took_ms, age_s in (
        ("fast", 5, 20.0, 1), ("slow", 5, 900.0, 1), ("began", 5, None, 1), ("behind", 4, 1.0, 1), ("dead", 3, 1.0, 60),
    ):  # fmt: skip
        receipt = snapshot.Receipt(process, "web", number, now, took_ms)
        post.tell(receipt, now=(now - timedelta(seconds=age_s)).timestamp())
    assert [each.process for each in snapshot.receipts(now)] == ["behind", "slow", "fast", "began"]
    post.leave("behind")
    assert [each.process for each in snapshot.receipts(now)] == ["slow", "fast", "began"]


@pytest.mark.parametrize(
    ("argv", "kind"),
    [
        (["/venv/celery/__main__.py", "-A", "holdfast", "worker"], "worker"),
        (["/venv/bin/celery", "-A", "holdfast", "beat"], "beat"),
        (["/holdfast/supervisor/web.py", "--port", "80"], "web"),
        (["manage.py", "aggregate"], "aggregate"),
        (["-c"], "python"),
        ([], "python"),
    ],
)
def test_a_process_says_what_it_is_for(argv: list[str], kind: str) -> None:
    assert kind_of(argv) == kind


def test_health_warns_of_flags_that_nobody_has_confirmed(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept()
    monkeypatch.setattr(mine._Mine, "kept", kept)
    assert snapshot.check().status == "pass", "nobody has asked"
    kept.first()
    assert snapshot.check().status == "pass"
    kept._confirmed -= 60
    assert "Flags are old" in snapshot.check().output
    kept.is_provisional = True
    assert "could not be read" in snapshot.check().output


def test_a_forked_child_reads_for_itself_and_has_a_keeper_of_its_own(transactional_db: None) -> None:
    make_flag(percent=100)
    assert rollout.is_on("enhanced", "mara")
    connection.close()
    child = os.fork()
    if child == 0:
        fresh = mine._Mine.kept.snapshot is None and mine._Mine.keeper is None
        answers = rollout.is_on("enhanced", "mara")
        alive = any(thread.name == "flags" and thread.is_alive() for thread in threading.enumerate())
        os._exit(0 if fresh and answers and alive else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
