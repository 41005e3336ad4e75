"""What readiness asks of flags, met and not met."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from flags import catalog, change
from flags.health import measures
from flags.models import RolloutPlan
from flags.snapshot import Receipt
from flags.snapshot.post import Post
from monitoring.health.readiness import assess
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db


def test_processes_that_lag_are_counted_and_none_is_no_answer() -> None:
    now = timezone.now()
    make_flag("any", 10)
    assert measures.behind(now) is None
    version = change.flagset().version
    post = Post(settings.REDIS_URL)
    for process, has in (("web:1", version), ("web:2", version - 1), ("worker:3", version)):
        post.tell(Receipt(process, "web", has, datetime.now(UTC), 1.0), now=now.timestamp())
    assert measures.behind(now) == 1


def test_flags_without_a_row_are_counted_until_they_are_seeded() -> None:
    assert measures.without_row(timezone.now()) == len(catalog.entries()) > 0
    change.seed(now=timezone.now())
    assert measures.without_row(timezone.now()) == 0


def test_a_rollout_that_waits_for_somebody_is_timed_from_when_it_began_to_wait() -> None:
    now = timezone.now()
    assert measures.waiting_h(now) == 0
    flag = make_flag("asked", 10)
    began = now - timedelta(hours=30)
    RolloutPlan.objects.create(
        flag=flag, state=RolloutPlan.State.ASKING, starts_at=began, actor="t", reason="a test", created_at=began
    )
    assert measures.waiting_h(now) == pytest.approx(30)


def test_an_evaluation_is_timed_and_an_expired_flag_is_counted() -> None:
    now = timezone.now()
    make_flag("old", 10, expires_on=(now - timedelta(days=2)).date())
    make_flag("today", 10, expires_on=now.date())
    assert measures.expired(now) == 1
    assert measures.stale(now) == 2  # neither has an owner
    us = measures.evaluation_us(now)
    assert us is not None
    assert 0 < us < 10_000


def test_the_assessment_has_all_rules_of_flags() -> None:
    make_flag("any", 10, owner="ana")
    judged = {each.rule.name: each.rule for each in assess(now=timezone.now()).judged if each.rule.component == "flags"}
    assert set(judged) == {
        "flag-evaluation",
        "flags-age",
        "flags-in-step",
        "flags-catalogue",
        "rollouts-waiting",
        "flags-expired",
        "flags-stale",
    }
