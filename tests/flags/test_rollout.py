from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from flags import rollout, snapshot
from flags.models import Flag

pytestmark = pytest.mark.django_db
USERS = [f"user-{number}" for number in range(2000)]


@pytest.fixture(autouse=True)
def fresh_rules() -> Iterator[None]:
    snapshot.forget()
    yield
    snapshot.forget()


def share(name: str) -> set[str]:
    snapshot.forget()
    return {user for user in USERS if rollout.is_on(name, user)}


def test_a_flag_that_nobody_knows_is_off() -> None:
    assert not rollout.is_on("nothing", "mara")


def test_a_flag_is_exact_at_0_and_at_100_and_everyone_overrules_the_share() -> None:
    flag = Flag.objects.create(name="batches", percent=Decimal(0))
    assert share("batches") == set()
    Flag.objects.filter(pk=flag.pk).update(percent=Decimal(100))
    assert share("batches") == set(USERS)
    Flag.objects.filter(pk=flag.pk).update(everyone=False)
    assert share("batches") == set()
    Flag.objects.filter(pk=flag.pk).update(everyone=True, percent=Decimal(0))
    assert share("batches") == set(USERS)


def test_raising_the_share_keeps_everybody_who_was_in() -> None:
    flag = Flag.objects.create(name="batches", percent=Decimal(10))
    ten = share("batches")
    Flag.objects.filter(pk=flag.pk).update(percent=Decimal(25))
    twenty_five = share("batches")
    assert ten < twenty_five
    # three standard deviations of a binomial share of 2,000 units
    assert abs(len(ten) / len(USERS) - 0.10) < 0.021
    assert abs(len(twenty_five) / len(USERS) - 0.25) < 0.030


def test_two_flags_draw_independently() -> None:
    for name in ("one", "other"):
        Flag.objects.create(name=name, percent=Decimal(50))
    both = share("one") & share("other")
    assert abs(len(both) / len(USERS) - 0.25) < 0.030


def test_a_change_is_seen_when_the_kept_rules_run_out() -> None:
    flag = Flag.objects.create(name="batches", percent=Decimal(100))
    assert rollout.is_on("batches", "mara")
    Flag.objects.filter(pk=flag.pk).update(percent=Decimal(0))
    assert rollout.is_on("batches", "mara"), "kept for a second"
    snapshot.forget()
    assert not rollout.is_on("batches", "mara")
